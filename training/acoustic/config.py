"""Everything an acoustic run depends on. See training/configs/acoustic.yaml for each setting."""

from dataclasses import dataclass, field

from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig

from .dataset import DataConfig
from .losses import LossConfig


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW, and how its learning rate goes on.

    schedule "plateau": ReduceLROnPlateau on the validation loss (factor, patience in epochs, min_lr). "cosine": up from
    0 in warmup_steps, then down to min_lr along half a cosine until total_steps, where training ends.
    """

    lr: float = 1e-4
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 1e-4
    factor: float = 0.5
    patience: int = 5
    min_lr: float = 1e-6
    schedule: str = "plateau"
    warmup_steps: int = 0
    total_steps: int | None = None

    def __post_init__(self):
        if self.schedule not in ("plateau", "cosine"):
            raise InputError("optimizer.schedule is plateau or cosine, not {schedule!r}.", schedule=self.schedule)
        if self.schedule == "cosine" and (self.total_steps is None or self.total_steps <= self.warmup_steps):
            raise InputError("optimizer.schedule=cosine needs optimizer.total_steps, more than warmup_steps.")


@dataclass(frozen=True)
class LoopConfig:
    """The training loop.

    batch windows an optimiser step, micro_batch of them at a time. precision: auto, bf16, fp16 or fp32. Stops after
    max_epochs, after `patience` epochs without improvement, at optimizer.min_lr, or after max_hours.
    batches_per_epoch: micro-batches, None for all. validate_every: in place of it, optimiser steps between validations
    (at most a pass over the corpus), which an epoch then is. cnn_checkpointing: recompute the CNN to save memory.
    frozen_blocks: how many of the CNN's blocks, from the stem on, keep their weights; for short fine-tuning.
    """

    batch: int = 16
    micro_batch: int = 4
    precision: str = "auto"
    clip: float = 1.0
    max_epochs: int = 4500
    patience: int = 20
    max_hours: float | None = None
    batches_per_epoch: int | None = None
    validate_every: int | None = None
    cnn_checkpointing: bool = False
    frozen_blocks: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    log_every: int = 50

    def __post_init__(self):
        if min(self.batch, self.micro_batch, self.max_epochs, self.devices, self.nodes) < 1:
            raise InputError("training.batch, micro_batch, max_epochs, devices and nodes must be at least 1.")
        if self.validate_every is not None and (self.validate_every < 1 or self.batches_per_epoch is not None):
            raise InputError("training.validate_every is 1 step or more, in place of training.batches_per_epoch.")
        if self.batch % (self.micro_batch * self.devices * self.nodes):
            raise InputError("training.batch must be a multiple of micro_batch times the number of devices.")
        if self.precision not in ("auto", "bf16", "fp16", "fp32"):
            raise InputError(
                "training.precision is auto, bf16, fp16 or fp32, not {precision!r}.", precision=self.precision
            )


@dataclass(frozen=True)
class AcousticRun:
    """All settings of a run. init_from: a bundle, a run folder, a checkpoint or a thesis .pt to start from. restart:
    see run_folder.held."""

    data_dir: str
    run_dir: str
    seed: int = 42
    init_from: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    model: AcousticConfig = field(default_factory=AcousticConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: LoopConfig = field(default_factory=LoopConfig)
    restart: bool = False

    def __post_init__(self):
        if self.data.view == "tract" and self.loss.focus:
            raise InputError("loss.focus keeps maps to the tract; a model with data.view=tract sees nothing else.")
