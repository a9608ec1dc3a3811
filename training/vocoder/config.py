"""Everything a vocoder run depends on. See training/configs/vocoder.yaml for each setting."""

from dataclasses import dataclass

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import GeneratorConfig
from rtmri2speech.spec import MelSpec

from ..preprocess.recordings import SpeechSource
from .discriminators import DiscriminatorConfig


@dataclass(frozen=True)
class LossWeights:
    """Weight of each term of the generator's loss; the adversarial term has weight 1. 0 switches a term off.

    stft_sizes: window lengths of the multi-resolution STFT term, samples.
    """

    mel: float = 45.0
    feature_matching: float = 2.0
    stft: float = 0.0
    stft_sizes: tuple[int, ...] = (128, 256, 512, 1024, 2048)


@dataclass(frozen=True)
class VocoderSettings:
    """Everything a run depends on; the defaults are the thesis'. See training/configs/vocoder.yaml for each."""

    run_dir: str
    sources: dict[str, SpeechSource]
    mel: MelSpec = MelSpec()
    generator: GeneratorConfig = GeneratorConfig()
    vocoder_input: str = "ln_power"
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    loss: LossWeights = LossWeights()
    init_from: str | None = None
    prepared: str | None = None
    normalize_peak: float | None = 0.95
    gain_db: tuple[float, float] = (0.0, 0.0)
    extra_mels_weight: float = 0.0
    segment_size: int = 8400
    batch_size: int = 16
    seed: int = 1234
    lr: float = 5e-5
    betas: tuple[float, float] = (0.8, 0.99)
    lr_decay: float = 0.999
    epoch_steps: int | None = None
    adversarial_from: int = 0
    steps: int = 1_000_000
    log_every: int = 50
    checkpoint_every: int = 1000
    keep_checkpoints: int = 3
    validate_every: int = 1000
    validate_recordings: int = 8
    device: str = "auto"
    restart: bool = False

    def __post_init__(self):
        if self.normalize_peak is not None and any(source.mels for source in self.sources.values()):
            raise InputError("Predicted mels carry their recordings' level: set normalize_peak=null to use them.")
        if self.segment_size % self.mel.hop_length or self.segment_size < self.mel.n_fft:
            raise InputError(
                "segment_size must be a multiple of the hop ({hop_length}) and at least {n_fft}.",
                hop_length=self.mel.hop_length,
                n_fft=self.mel.n_fft,
            )
        if self.generator.hop_length != self.mel.hop_length or self.generator.n_mels != self.mel.n_mels:
            raise InputError(
                "The generator makes {samples} samples from {bins} mel bins, "
                "the mel has {hop_length} and {n_mels}: "
                "the product of upsample_rates must be the hop.",
                samples=self.generator.hop_length,
                bins=self.generator.n_mels,
                hop_length=self.mel.hop_length,
                n_mels=self.mel.n_mels,
            )
