"""Everything a restoration run depends on. See training/configs/restore.yaml for each setting."""

from dataclasses import dataclass

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import GeneratorConfig
from rtmri2speech.spec import MelSpec

from ..preprocess.recordings import SpeechSource
from ..vocoder.discriminators import DiscriminatorConfig
from .degrade import Degradation

STAGES = ("pa", "vocoder", "finetune")


def loss_mel(rate: int) -> MelSpec:
    """The mel restored speech is compared in: HiFi-GAN's own, 80 bins every 256 samples at 22 kHz, in proportion."""
    return MelSpec(sample_rate=rate, n_fft=1024, win_length=1024, hop_length=256, n_mels=80, preemphasis=0.0)


@dataclass(frozen=True)
class Stage:
    """How long a stage is and what it learns from.

    segment_s: what the encoder hears at once. slice_s: how much of it the vocoder speaks. lr rises over warmup_steps
    and falls to a tenth by the last step.
    """

    steps: int
    batch_size: int = 16
    segment_s: float = 3.0
    slice_s: float = 0.5
    lr: float = 1e-4
    warmup_steps: int = 1000

    def __post_init__(self):
        if self.steps < 0 or self.batch_size < 1 or not 0 < self.slice_s <= self.segment_s:
            raise InputError("A stage needs steps >= 0, batch_size >= 1 and 0 < slice_s <= segment_s.")


@dataclass(frozen=True)
class Weights:
    """Weight of each term of the vocoder's loss beside the adversarial one, which has 1. features: in fine-tuning."""

    stft: float = 10.0
    stft_sizes: tuple[int, ...] = (512, 1024, 2048)
    mel: float = 15.0
    feature_matching: float = 2.0
    features: float = 0.0


@dataclass(frozen=True)
class RestoreSettings:
    """See training/configs/restore.yaml."""

    run_dir: str
    sources: dict[str, SpeechSource]
    encoder: str
    tap: int
    bottleneck: int
    rate: int
    vocoder: GeneratorConfig
    pa: Stage
    pretraining: Stage
    finetune: Stage
    stage: str = "all"
    prepared: str | None = None
    init_from: str | None = None
    discriminators: DiscriminatorConfig = DiscriminatorConfig()
    degradation: Degradation = Degradation()
    loss: Weights = Weights()
    adversarial_from: int = 0
    betas: tuple[float, float] = (0.8, 0.99)
    seed: int = 1234
    workers: int = 0
    precision: str = "auto"
    accelerator: str = "auto"
    log_every: int = 50
    checkpoint_every: int = 1000
    validate_recordings: int = 8
    restart: bool = False

    def __post_init__(self):
        if self.stage not in (*STAGES, "all"):
            raise InputError("stage is {known} or all, not {stage!r}.", known=", ".join(STAGES), stage=self.stage)

    def of(self, stage: str) -> Stage:
        """The stage's own settings."""
        return {"pa": self.pa, "vocoder": self.pretraining, "finetune": self.finetune}[stage]
