"""One run of vocoder training: python -m training.vocoder (see training/configs/vocoder.yaml)."""

from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rtmri2speech.atomic import never_onto, write_json
from rtmri2speech.errors import InputError
from rtmri2speech.mel import mel_spectrogram_db
from rtmri2speech.metrics import estoi, stoi
from rtmri2speech.models.hifigan import Generator, GeneratorConfig, vocoder_input
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.spec import MelSpec

from ..corpus.speech import Recording, SpeechSource, prepare_sources, spread
from ..run_folder import SETTINGS, read_settings, require_same
from ..steps import Rhythm, choose_device, require_finite, run_steps, set_lr
from .adversarial import generator_losses, train_discriminators
from .discriminators import DiscriminatorConfig, Discriminators
from .losses import mel_loss, stft_loss
from .run import checkpoints, save_checkpoint
from .segments import VocoderSegments
from .start import kept_layouts, load_discriminators, read_start


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


# A run may go on with other recordings, weights of the loss and learning rates, not with other networks.
_FREE = {f.name for f in fields(VocoderSettings)} - {"generator", "mel", "vocoder_input", "discriminators"}


class VocoderTraining:
    """Both networks, their optimisers and the step count: all that a checkpoint holds."""

    def __init__(self, settings: VocoderSettings, epoch_steps: int, device: str | torch.device = "cpu"):
        self.settings, self.epoch_steps, self.device = settings, epoch_steps, torch.device(device)
        torch.manual_seed(settings.seed)
        self.generator = Generator(settings.generator).to(device)
        self.discriminators = Discriminators(settings.discriminators).to(device)
        self.optim_g, self.optim_d = (
            torch.optim.AdamW(network.parameters(), settings.lr, settings.betas)
            for network in (self.generator, self.discriminators)
        )
        self.step = 0

    def advance(self, mel_db: Tensor, real: Tensor) -> dict[str, float]:
        """One step of each network on mel_db (B, T, n_mels) and real (B, T * hop_length). Returns the losses."""
        mel_db, real = mel_db.to(self.device), real.to(self.device)
        set_lr(self.lr(), self.optim_g, self.optim_d)
        self.generator.train()
        fake = self.generator(vocoder_input(mel_db, self.settings.vocoder_input).transpose(1, 2))[:, 0]
        weights, losses = self.settings.loss, {}
        total = torch.zeros((), device=self.device)
        if self.step >= self.settings.adversarial_from:
            losses["discriminator"] = train_discriminators(self.discriminators, self.optim_d, real, fake)
            losses |= generator_losses(self.discriminators, real, fake)
            total = total + losses["adversarial"] + weights.feature_matching * losses["feature_matching"]
        losses["mel"] = mel_loss(real, fake, self.settings.mel, self.settings.vocoder_input)
        total = total + weights.mel * losses["mel"]
        if weights.stft:
            losses["stft"] = stft_loss(real, fake, weights.stft_sizes)
            total = total + weights.stft * losses["stft"]
        require_finite(total, "train", self.step)
        self.optim_g.zero_grad()
        total.backward()
        self.optim_g.step()
        self.step += 1
        return {name: float(value.detach()) for name, value in losses.items()}

    def lr(self) -> float:
        """lr * lr_decay ** epoch, from the step alone, so that nothing else need be remembered."""
        return self.settings.lr * self.settings.lr_decay ** (self.step // self.epoch_steps)

    def state(self) -> dict:
        """Everything `load` needs to go on exactly."""
        return {
            "step": self.step,
            "generator": self.generator.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "optim_g": self.optim_g.state_dict(),
            "optim_d": self.optim_d.state_dict(),
        }

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of `state`. Raises InputError if it is damaged or of other networks."""
        state = read_checkpoint(path)
        try:
            load_exactly(self.generator, state["generator"], str(path))
            load_exactly(self.discriminators, state["discriminators"], str(path))
            self.optim_g.load_state_dict(state["optim_g"])
            self.optim_d.load_state_dict(state["optim_d"])
            self.step = int(state["step"])
        except (KeyError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("{path} is not a checkpoint of this run ({reason}).", path=path, reason=error) from None

    def initialise(self) -> None:
        """Take the weights the settings name; the step count and the learning rate start anew."""
        if not self.settings.init_from:
            return
        start = read_start(self.settings.init_from, self.settings.mel)
        load_exactly(self.generator, start.tensors, str(start.source))
        states = load_discriminators(start.discriminators, self.discriminators) if start.discriminators else {}
        try:
            for name, state in states.items():
                getattr(self, name).load_state_dict(state)
        except ValueError as error:
            raise InputError(
                "The optimiser states of {path} do not fit ({reason}).", path=start.discriminators, reason=error
            ) from None


@torch.no_grad()
def copy_synthesis(generator: Generator, waveform: np.ndarray, mel: MelSpec, kind: str) -> np.ndarray:
    """The waveform (samples,) made from the waveform's own mel: (samples rounded down to whole frames,)."""
    device = next(generator.parameters()).device
    mel_db = mel_spectrogram_db(torch.from_numpy(np.array(waveform, dtype=np.float32)).to(device), mel)
    return generator(vocoder_input(mel_db, kind).T[None])[0, 0].cpu().numpy()


def validate(generator: Generator, recordings: list[Recording], settings: VocoderSettings) -> dict[str, float]:
    """Copy-synthesis of held-out recordings against the originals: mean mel error (dB), STOI and ESTOI."""
    generator.eval()
    rows = []
    for recording in recordings:
        original = np.load(recording.path)
        made = copy_synthesis(generator, original, settings.mel, settings.vocoder_input)
        original = original[: len(made)]
        mels = (mel_spectrogram_db(torch.from_numpy(x), settings.mel).numpy() for x in (original, made))
        row = {"mel_mae_db": float(np.abs(np.subtract(*mels)).mean())}
        for metric in (stoi, estoi):
            try:
                row[metric.__name__] = metric(original, made, settings.mel.sample_rate)
            except ImportError:  # a machine that only trains need not have pystoi
                row[metric.__name__] = None
        rows.append(row)
    values = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {name: float(np.mean(v)) for name, v in values.items() if v}


def train(settings: VocoderSettings) -> VocoderTraining:
    """Train until `steps`, from the run's newest checkpoint if it has one."""
    run = Path(settings.run_dir)
    read = [place for source in settings.sources.values() for place in (source.folder, source.mels)]
    never_onto([run / SETTINGS, run / "checkpoints"], [*read, settings.init_from])
    settings = kept_layouts(settings, run)
    recordings, held_out = prepare_sources(
        settings.sources,
        Path(settings.prepared or run / "speech"),
        settings.mel.sample_rate,
        settings.normalize_peak,
        settings.mel,
    )
    validation = spread(held_out, settings.validate_recordings)
    segments = VocoderSegments(
        recordings,
        settings.mel,
        frames=settings.segment_size // settings.mel.hop_length,
        batch_size=settings.batch_size,
        seed=settings.seed,
        extra_mels_weight=settings.extra_mels_weight,
        gain_db=settings.gain_db,
    )
    if (run / SETTINGS).is_file():
        require_same(run, settings, read_settings(run, "vocoder"), free=_FREE)
    write_json(run / SETTINGS, asdict(settings))
    epoch_steps = settings.epoch_steps or max(1, len(recordings) // settings.batch_size)
    device = choose_device(settings.device)
    training = VocoderTraining(settings, epoch_steps, device)
    found = checkpoints(run)
    if found:
        training.load(found[-1])
    else:
        training.initialise()
    hours = sum(r.samples for r in recordings) / settings.mel.sample_rate / 3600
    print(
        f"{len(recordings)} recordings ({hours:.2f} h) to train on, {len(held_out)} held out; "
        f"{device}, from step {training.step} to {settings.steps}",
        flush=True,
    )
    run_steps(
        run,
        range(training.step, settings.steps),
        lambda step: training.advance(*segments.batch(step)),
        Rhythm(settings.log_every, settings.validate_every, settings.checkpoint_every),
        save=lambda: save_checkpoint(run, training.state(), settings.keep_checkpoints),
        validate=partial(validate, training.generator, validation, settings) if validation else None,
    )
    return training
