"""What an acoustic model learns from a batch, and the figures by which it is watched."""

import math
from dataclasses import replace
from functools import partial

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from rtmri2speech.models.acoustic import AcousticModel
from rtmri2speech.spec import Band, MelSpec
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, Scaler, band_bins, speech_frames
from rtmri2speech.speech.metrics import loudness_correlation, spectral_shape_correlation

from ..engine.schedules import cosine
from .config import AcousticRun
from .dataset import (
    Augment,
    SeededSampler,
    Segment,
    WindowDataset,
    collate,
    fit_articulation,
    require_regions,
)
from .losses import MaskedMSEMAE, band_mae_db, outside_share

BANDS = (Band("F1", 300, 900), Band("F2", 900, 2500), Band("F3", 2500, 3500))


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
        self.last_step = run.optimizer.total_steps or math.inf
        self.articulation_scaler = fit_articulation(segments["train"]) if run.loss.articulation else None
        if run.loss.focus:
            require_regions(segments["train"])
        if self.articulation_scaler:
            self.articulation = torch.nn.Linear(self.model.channels, len(self.articulation_scaler.mean))
        self.bins = {b.name: band_bins(mel, b) for b in BANDS if b.high_hz <= mel.top_hz}
        self.register_buffer("std_db", torch.from_numpy(scaler.std), persistent=False)
        trained_on = {s.utterance.speaker for s in segments["train"]}
        self.val_speakers = ["seen" if s.utterance.speaker in trained_on else "new" for s in segments["val"]]

    @property
    def learning_rate(self) -> float:
        optimizers = self.trainer.optimizers
        return optimizers[0].param_groups[0]["lr"] if optimizers else self.run.optimizer.lr

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

    def on_train_batch_end(self, *_) -> None:
        """Stop as early stopping does, which validates first. After Lightning's own max_steps an epoch has no figures,
        and a run with it cannot be gone on with."""
        if self.global_step >= self.last_step:
            self.trainer.should_stop = True

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


def read_augment(strength: float) -> Augment:
    """training.acoustic.augment at this strength, as a dataset.Augment that worker processes can be sent."""
    from .augment import augment_together

    return partial(augment_together, strength=strength)
