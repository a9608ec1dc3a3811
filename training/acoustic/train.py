"""One run of acoustic training: python -m training.acoustic (see training/configs/acoustic.yaml)."""

import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from rtmri2speech.atomic import never_onto, replacing, write_json
from rtmri2speech.errors import InputError
from rtmri2speech.mel import SPEECH_RANGE_DB, Scaler, band_bins, speech_frames
from rtmri2speech.metrics import loudness_correlation, spectral_shape_correlation
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.convert import is_thesis_acoustic, read_thesis_acoustic
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.precision import bf16_is_fast
from rtmri2speech.spec import Band, MelSpec

from ..run_folder import SETTINGS, append_row, read_settings, require_same
from ..schedules import cosine
from .dataset import (
    Augment,
    Corpus,
    DataConfig,
    SeededSampler,
    Segment,
    WindowDataset,
    collate,
    fit_articulation,
    fit_scaler,
    require_regions,
    split_corpus,
)
from .losses import LossConfig, MaskedMSEMAE, band_mae_db, outside_share

RUN_FILES = (SETTINGS, "split.json", "scaler.json", "held_out.txt", "history.csv", "best.ckpt", "last.ckpt")
_FREE = {"data_dir", "run_dir", "init_from", "training", "data.workers"}  # may change within a run
BANDS = (Band("F1", 300, 900), Band("F2", 900, 2500), Band("F3", 2500, 3500))


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
    batches_per_epoch: micro-batches, None for all. cnn_checkpointing: recompute the CNN to save memory.
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
    cnn_checkpointing: bool = False
    frozen_blocks: int = 0
    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    log_every: int = 50

    def __post_init__(self):
        if min(self.batch, self.micro_batch, self.max_epochs, self.devices, self.nodes) < 1:
            raise InputError("training.batch, micro_batch, max_epochs, devices and nodes must be at least 1.")
        if self.batch % (self.micro_batch * self.devices * self.nodes):
            raise InputError("training.batch must be a multiple of micro_batch times the number of devices.")
        if self.precision not in ("auto", "bf16", "fp16", "fp32"):
            raise InputError(
                "training.precision is auto, bf16, fp16 or fp32, not {precision!r}.", precision=self.precision
            )


@dataclass(frozen=True)
class AcousticRun:
    """All settings of a run. init_from: a run folder, a checkpoint or a thesis .pt to start from."""

    data_dir: str
    run_dir: str
    seed: int = 42
    init_from: str | None = None
    data: DataConfig = field(default_factory=DataConfig)
    model: AcousticConfig = field(default_factory=AcousticConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: LoopConfig = field(default_factory=LoopConfig)


def lightning_precision(setting: str, accelerator: str) -> str:
    """Lightning's name for the number format; "auto" is bf16 where the hardware has it, fp16 on an older GPU."""
    if setting != "auto":
        return {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}[setting]
    gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if bf16_is_fast(torch.device("cuda" if gpu else "cpu")) and accelerator in ("auto", "gpu", "cuda", "cpu"):
        return "bf16-mixed"
    return "16-mixed" if gpu else "32-true"


def predict(model: AcousticModel, frames: Tensor, lengths: Tensor) -> Tensor:
    """frames (B, T, 1, S, S), lengths (B,) -> standardised mel (B, T, n_mels).

    Padding reaches neither BatchNorm nor the LSTM, so a clip's mel does not depend on its batch.
    """
    maps = model.feature_maps(without_padding(frames, lengths))
    return mel_of(model, maps.mean(dim=(2, 3)), lengths)


def without_padding(padded: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, ...), lengths (B,) -> (sum(lengths), ...)."""
    return padded[torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]]


def mel_of(model: AcousticModel, pooled: Tensor, lengths: Tensor) -> Tensor:
    """pooled (sum(lengths), C) -> standardised mel (B, T, n_mels), zero in the padding."""
    if bool((lengths == lengths[0]).all()):
        return model.mel_from_features(pooled.unflatten(0, (len(lengths), -1)))
    return pad_sequence([model.mel_from_features(p[None])[0] for p in pooled.split(lengths.tolist())], batch_first=True)


def cnn_blocks(model: AcousticModel) -> list[torch.nn.Module]:
    """The CNN's parts in the order the picture passes them; timm's lists of stages are taken apart."""
    parts = (module for module in model.cnn.children())
    return [b for m in parts for b in (m if isinstance(m, torch.nn.Sequential | torch.nn.ModuleList) else (m,))]


class AcousticLearner(L.LightningModule):
    """Loss, optimiser, plateau and figures around an AcousticModel."""

    def __init__(self, run: AcousticRun, mel: MelSpec, scaler: Scaler, segments: dict[str, list[Segment]]):
        super().__init__()
        self.run, self.scaler, self.segments = run, scaler, segments
        self.model = AcousticModel(run.model).to(memory_format=torch.channels_last)
        if run.training.cnn_checkpointing:
            self.model.cnn.set_grad_checkpointing(True)
        self.frozen = cnn_blocks(self.model)[: run.training.frozen_blocks]
        for block in self.frozen:
            block.requires_grad_(False)
        self.loss = MaskedMSEMAE(run.loss, mel.n_mels)
        self.articulation_scaler = fit_articulation(segments["train"]) if run.loss.articulation else None
        if run.loss.focus:
            require_regions(segments["train"])
        if self.articulation_scaler:
            self.articulation = torch.nn.Linear(self.model.channels, len(self.articulation_scaler.mean))
        self.bins = {b.name: band_bins(mel, b) for b in BANDS if b.high_hz <= mel.top_hz}
        self.register_buffer("std_db", torch.from_numpy(scaler.std), persistent=False)
        trained_on = {s.utterance.speaker for s in segments["train"]}
        self.val_speakers = ["seen" if s.utterance.speaker in trained_on else "new" for s in segments["val"]]

    def train_dataloader(self) -> DataLoader:
        data = self.run.data
        augment = read_augment(data.augment) if data.augment else None
        windows = WindowDataset(
            self.segments["train"],
            data,
            self.scaler,
            jitter=data.stride != 1,
            augment=augment,
            articulation=self.articulation_scaler,
            tract=self.run.loss.focus > 0,
        )
        return self._loader(windows, self.run.training.micro_batch, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """Whole recordings, as at synthesis (the split by window: its windows)."""
        whole = replace(self.run.data, window=None, split=replace(self.run.data.split, by="utterance"))
        windows = WindowDataset(self.segments["val"], whole, self.scaler, jitter=False, augment=None)
        return self._loader(windows, 1, shuffle=False)

    def _loader(self, windows: WindowDataset, batch: int, shuffle: bool) -> DataLoader:
        sampler = SeededSampler(
            len(windows), self.run.seed, shuffle=shuffle, rank=self.global_rank, world=self.trainer.world_size
        )
        sampler.set_epoch(self.current_epoch)  # a resumed run draws its first window before Lightning sets the epoch
        workers = self.run.data.workers
        return DataLoader(
            windows,
            batch,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=collate,
            pin_memory=self.device.type == "cuda",
        )

    def on_train_batch_start(self, _batch, index: int) -> None:
        """Dropout draws from seed, epoch and batch alone, so that a resumed run repeats an unbroken one."""
        entropy = np.random.SeedSequence((self.run.seed, self.current_epoch, index, self.global_rank))
        torch.manual_seed(int(entropy.generate_state(1)[0]))
        if self.run.optimizer.schedule == "cosine":
            o = self.run.optimizer
            rate = cosine(
                self.global_step, lr=o.lr, warmup_steps=o.warmup_steps, total_steps=o.total_steps, min_lr=o.min_lr
            )
            for group in self.optimizers().param_groups:
                group["lr"] = rate

    def on_train_epoch_start(self) -> None:
        for block in self.frozen:
            block.eval()  # its BatchNorm, too, stays as it is

    def training_step(self, batch: dict[str, Tensor], _index: int) -> Tensor:
        maps = self.model.feature_maps(without_padding(batch["frames"], batch["lengths"]))
        pooled = maps.mean(dim=(2, 3))
        predicted = mel_of(self.model, pooled, batch["lengths"])
        loss = self.loss(predicted, batch["mel"], batch["mask"], self.global_step)
        self._log_figures("train", predicted.detach(), batch, loss.detach())
        if self.articulation_scaler:
            known = without_padding(batch["articulation"], batch["lengths"])
            error = torch.nn.functional.mse_loss(self.articulation(pooled).float(), known)
            self._log("train/articulation", error.detach(), len(known))
            loss = loss + self.run.loss.articulation * error
        if self.run.loss.focus:
            share = outside_share(maps, without_padding(batch["tract"], batch["lengths"]))
            self._log("train/outside_tract", share.detach(), len(maps))
            loss = loss + self.run.loss.focus * share
        return loss

    def validation_step(self, batch: dict[str, Tensor], _index: int) -> None:
        """The weights of the loss are those at the end of the ramp, so that epochs can be compared."""
        predicted = predict(self.model, batch["frames"], batch["lengths"])
        self._log_figures("val", predicted, batch, self.loss(predicted, batch["mel"], batch["mask"], 10**12))
        for k, (length, index) in enumerate(zip(batch["lengths"], batch["index"], strict=True)):
            target, given = (self.scaler.to_db(x[k, :length].float().cpu()).numpy() for x in (batch["mel"], predicted))
            self._log_correlations(target, given, self.val_speakers[int(index)])

    def on_train_epoch_end(self) -> None:
        """After validation and before the checkpoint, which therefore holds the plateau's new state."""
        if self.run.optimizer.schedule != "plateau":
            return
        self.plateau.step(self.trainer.callback_metrics["val/loss"].item())
        if self.optimizers().param_groups[0]["lr"] <= self.run.optimizer.min_lr:
            self.trainer.should_stop = True

    def configure_optimizers(self):
        o = self.run.optimizer
        trained = [p for p in self.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trained, o.lr, o.betas, o.eps, o.weight_decay)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=o.factor, patience=o.patience, min_lr=o.min_lr
        )
        return optimizer

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["plateau"] = self.plateau.state_dict()

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        self._plateau_state = checkpoint["plateau"]

    def on_fit_start(self) -> None:
        if hasattr(self, "_plateau_state"):
            self.plateau.load_state_dict(self._plateau_state)

    def _log_figures(self, part: str, predicted: Tensor, batch: dict[str, Tensor], loss: Tensor) -> None:
        frames = int(batch["mask"].sum())
        self._log(f"{part}/loss", loss, frames)
        errors = band_mae_db(predicted, batch["mel"], batch["mask"], self.bins, self.std_db)
        for name, value in errors.items():
            self._log(f"band/{part}_{name}", value, frames)

    def _log_correlations(self, target_db: np.ndarray, predicted_db: np.ndarray, whose: str) -> None:
        """Over the speech frames of a recording. Every process logs every figure, if need be with weight 0."""
        speech = speech_frames(target_db, SPEECH_RANGE_DB)
        for name, measure in (("shape", spectral_shape_correlation), ("loudness", loudness_correlation)):
            value = measure(target_db[speech], predicted_db[speech])
            for kind in sorted(set(self.val_speakers)):
                counts = kind == whose and value is not None
                self._log(f"val/{name}_{kind}", value if counts else 0.0, len(speech) if counts else 0)

    def _log(self, name: str, value: Tensor | float, weight: int) -> None:
        self.log(name, value, batch_size=weight, on_step=False, on_epoch=True, sync_dist=True)


class Report(L.Callback):
    """A line now and then on the screen, and a row an epoch in history.csv."""

    def __init__(self, run_dir: Path, every: int):
        self.path, self.every, self.frames, self.since = run_dir / "history.csv", every, 0, time.monotonic()

    def on_train_epoch_start(self, trainer, _learner) -> None:
        self.frames, self.since = 0, time.monotonic()

    def on_train_batch_end(self, trainer, _learner, outputs, batch, index) -> None:
        self.frames += int(batch["lengths"].sum())
        if trainer.is_global_zero and (index + 1) % self.every == 0:
            rate = self.frames / (time.monotonic() - self.since)
            print(
                f"epoch {trainer.current_epoch} batch {index + 1}/{trainer.num_training_batches} "
                f"step {trainer.global_step} loss {float(outputs['loss']):.3f} {rate:.0f} frames/s",
                flush=True,
            )

    def on_train_epoch_end(self, trainer, learner) -> None:
        if not trainer.is_global_zero:
            return
        figures = {k: round(float(v), 4) for k, v in sorted(trainer.callback_metrics.items())}
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "lr": learner.optimizers().param_groups[0]["lr"],
        }
        row |= figures
        print(" ".join(f"{k} {v:g}" for k, v in row.items()), flush=True)
        append_row(self.path, row)


def train(run: AcousticRun) -> Path:
    """Train, or go on with, the run in run.run_dir until a stopping rule holds. Returns the run folder.

    Raises InputError if the dataset is not one, or the folder holds a run of other settings.
    """
    folder = Path(run.run_dir)
    never_onto((folder / name for name in RUN_FILES), [run.data_dir, run.init_from])
    corpus = Corpus.read(run.data_dir)
    L.seed_everything(run.seed, workers=True, verbose=False)
    segments, scaler = prepare_run(folder, run, corpus)
    learner = AcousticLearner(run, corpus.mel, scaler, segments)
    last = folder / "last.ckpt"
    if run.init_from and not last.is_file():
        load_exactly(learner.model, model_tensors(run.init_from), run.init_from)

    loop = run.training
    # Lightning's own save_last only follows the best one; here the last epoch is kept whatever it was like.
    best = ModelCheckpoint(folder, "best", "val/loss", save_on_train_epoch_end=True, enable_version_counter=False)
    newest = ModelCheckpoint(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    stopping = EarlyStopping("val/loss", patience=loop.patience, check_on_train_epoch_end=True)
    several = loop.devices * loop.nodes > 1
    trainer = L.Trainer(
        accelerator=loop.accelerator,
        devices=loop.devices,
        num_nodes=loop.nodes,
        strategy="ddp" if several else "auto",
        sync_batchnorm=several and torch.cuda.is_available(),  # torch has it for GPUs only
        precision=lightning_precision(loop.precision, loop.accelerator),
        max_epochs=loop.max_epochs,
        max_steps=run.optimizer.total_steps or -1,
        max_time=None if loop.max_hours is None else {"seconds": round(3600 * loop.max_hours)},
        accumulate_grad_batches=loop.batch // (loop.micro_batch * loop.devices * loop.nodes),
        gradient_clip_val=loop.clip,
        limit_train_batches=loop.batches_per_epoch or 1.0,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[Report(folder, loop.log_every), stopping, best, newest],
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(learner, ckpt_path=str(last) if last.is_file() else None)
    return folder


def prepare_run(folder: Path, run: AcousticRun, corpus: Corpus) -> tuple[dict[str, list[Segment]], Scaler]:
    """The run folder's settings, split and scaler: written for a new run, checked and kept for one that goes on.

    A corpus may have grown since: new recordings are split as the old ones were, which keep their part, and the
    scaler stays that of the beginning.
    """
    previous = None
    if (folder / "last.ckpt").is_file():
        before = read_settings(folder, "acoustic")
        require_same(folder, run, before, free=_FREE)
        require_same(folder, corpus.mel, before["mel"], prefix="mel.")
        previous = json.loads((folder / "split.json").read_text(encoding="utf-8"))
        scaler = Scaler.read(folder / "scaler.json", corpus.mel.n_mels)
    else:
        scaler = fit_scaler(corpus, run.data)
    segments, ids = split_corpus(corpus, run.data, previous)
    folder.mkdir(parents=True, exist_ok=True)
    scaler.write(folder / "scaler.json")
    write_json(folder / SETTINGS, asdict(run) | {"mel": corpus.mel.to_json(), "restored": corpus.restored})
    write_json(folder / "split.json", ids)
    with replacing(folder / "held_out.txt") as temporary:
        temporary.write_text("".join(f"{id_}\n" for id_ in sorted(ids["val"] + ids["test"])), encoding="utf-8")
    return segments, scaler


def model_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """The AcousticModel's tensors in a checkpoint of this training, in a run folder's best.ckpt, or in a thesis .pt."""
    path = Path(path)
    checkpoint = read_checkpoint(path / "best.ckpt" if path.is_dir() else path)
    if is_thesis_acoustic(checkpoint):
        return read_thesis_acoustic(path).state_dict()
    state = checkpoint.get("state_dict")
    if not isinstance(state, dict):
        raise InputError("{path} is not a checkpoint of training.acoustic.", path=path)
    return {name.removeprefix("model."): tensor for name, tensor in state.items() if name.startswith("model.")}


def read_augment(strength: float) -> Augment:
    """training.acoustic.augment at this strength, as a dataset.Augment that worker processes can be sent."""
    from .augment import augment_together

    return partial(augment_together, strength=strength)
