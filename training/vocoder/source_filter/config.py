"""Everything a run of the source-filter vocoder depends on. See training/configs/vocoder_ddsp.yaml for each setting."""

from dataclasses import dataclass

from rtmri2speech.errors import InputError
from rtmri2speech.models.ddsp import DdspConfig
from rtmri2speech.spec import MelSpec

from ...preprocess.recordings import SpeechSource


@dataclass(frozen=True)
class Draws:
    """How segments are drawn. Shares are of all segments and need not add up to 1: the rest is as recorded.

    envelope: mels reduced to their spectral envelope, the acoustic model's target. disturbed: these, with errors as a
    predicted mel has. whispered: without F0. other_f0: with an F0 that is not the recording's, with its envelope.
    by_frame: with the recording's own F0 once a frame in place of once a filter step. rates: least and greatest factor
    by which a recording is sped up, which raises F0 and formants. f0_hz: where its median is kept by that.
    error_db, floor_db: of disturbed mels, standard deviation; and the least value of envelopes.
    """

    envelope: float = 0.45
    disturbed: float = 0.25
    whispered: float = 0.2
    other_f0: float = 0.15
    by_frame: float = 0.3
    rates: tuple[float, float] = (0.8, 1.3)
    f0_hz: tuple[float, float] = (80.0, 330.0)
    error_db: float = 3.0
    floor_db: float = -60.0

    def __post_init__(self):
        if not (self.envelope + self.disturbed <= 1 and self.whispered + self.other_f0 + self.by_frame <= 1):
            raise InputError("The shares of mels add up to more than 1, or those of F0 do.")
        if not 0.5 <= self.rates[0] <= self.rates[1] <= 2:
            raise InputError("draws.rates are factors from 0.5 to 2.")


@dataclass(frozen=True)
class SpectralLoss:
    """Weight of each term of the loss. stft_sizes: window lengths, samples.

    constancy: of segments with another F0: their filters are to be those of the recording's own F0, 10 dB being 1.
    """

    stft: float = 1.0
    bands: float = 1.0
    intelligibility: float = 1.0
    constancy: float = 1.0
    stft_sizes: tuple[int, ...] = (128, 256, 512, 1024, 2048)


@dataclass(frozen=True)
class SourceFilterSettings:
    """Everything a run depends on. See training/configs/vocoder_ddsp.yaml for each."""

    run_dir: str
    sources: dict[str, SpeechSource]
    kind: str = "ddsp"
    vocoder: DdspConfig = DdspConfig()
    loss: SpectralLoss = SpectralLoss()
    draws: Draws = Draws()
    init_from: str | None = None
    prepared: str | None = None
    normalize_peak: float | None = 0.7
    frames: int = 32
    batch_size: int = 6
    seed: int = 1234
    lr: float = 1e-3
    betas: tuple[float, float] = (0.8, 0.99)
    weight_decay: float = 0.01
    clip: float = 5.0
    warmup_steps: int = 200
    averaged_steps: int = 200
    steps: int = 8000
    log_every: int = 50
    checkpoint_every: int = 250
    keep_checkpoints: int = 3
    validate_every: int = 500
    validate_recordings: int = 8
    device: str = "auto"
    restart: bool = False

    def __post_init__(self):
        if self.kind != "ddsp":
            raise InputError("These are the settings of a vocoder of kind ddsp, not {kind}.", kind=self.kind)
        if self.frames * self.mel.hop_length < 2 * self.mel.n_fft:
            raise InputError("frames must span at least two windows of the mel.")
        if any(source.mels for source in self.sources.values()):
            raise InputError("A vocoder of kind ddsp makes its predicted mels itself: leave out mels of the sources.")

    @property
    def mel(self) -> MelSpec:
        return self.vocoder.mel
