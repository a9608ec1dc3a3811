"""One run of acoustic training: python -m training.acoustic (see training/configs/acoustic.yaml)."""

import time
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO

from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.precision import bf16_is_fast
from rtmri2speech.models.weights import read_checkpoint

from ..engine.checkpoint import load_start, write_checkpoint, write_newest
from ..engine.run_folder import LAST, append_row, held, newest_checkpoint
from ..preprocess.dataset import Corpus
from .config import AcousticRun
from .learner import AcousticLearner
from .run import RUN_FILES, prepare_run, start_tensors


def lightning_precision(setting: str, accelerator: str) -> str:
    """Lightning's name for the number format; "auto" is bf16 where the hardware has it, fp16 on an older GPU."""
    if setting != "auto":
        return {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}[setting]
    gpu = accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    if bf16_is_fast(torch.device("cuda" if gpu else "cpu")) and accelerator in ("auto", "gpu", "cuda", "cpu"):
        return "bf16-mixed"
    return "16-mixed" if gpu else "32-true"


def device_name(device: torch.device) -> str:
    """A device in words: "cpu (2 threads)", "cuda:0 (NVIDIA H200)"."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoints as training.engine.checkpoint writes them; of last.ckpt the one before is kept."""

    def save_checkpoint(self, checkpoint: dict, path, storage_options=None) -> None:
        path = Path(path)
        (write_newest if path.name == LAST else write_checkpoint)(path, checkpoint)


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
        self._row(trainer, learner)

    def on_validation_end(self, trainer, learner) -> None:
        """Of the weights that a run starts from, before its first step."""
        if trainer.state.fn == "validate":
            self._row(trainer, learner)

    def _row(self, trainer, learner) -> None:
        if not trainer.is_global_zero:
            return
        figures = {k: round(float(v), 4) for k, v in sorted(trainer.callback_metrics.items())}
        row = {
            "epoch": trainer.current_epoch if trainer.global_step else "start",
            "step": trainer.global_step,
            "lr": learner.learning_rate,
        }
        row |= figures
        print(" ".join(f"{k} {v}" if isinstance(v, str) else f"{k} {v:g}" for k, v in row.items()), flush=True)
        append_row(self.path, row)


def train(run: AcousticRun) -> Path:
    """Train, or go on with, the run in run.run_dir until a stopping rule holds. Returns the run folder.

    Raises InputError if the dataset is not one, or the folder holds a run of other settings.
    """
    folder = Path(run.run_dir)
    refuse_overwriting_inputs((folder / name for name in RUN_FILES), [run.data_dir, run.init_from])
    with held(run):
        _train(run, folder)
    return folder


def _train(run: AcousticRun, folder: Path) -> None:
    corpus = Corpus.read(run.data_dir)
    last = newest_checkpoint(folder)
    L.seed_everything(run.seed, workers=True, verbose=False)
    segments, scaler = prepare_run(folder, run, corpus, goes_on=last is not None)
    learner = AcousticLearner(run, corpus.mel, scaler, segments)
    if run.init_from and not last:
        load_start(learner.model, start_tensors(run.init_from, corpus.mel, scaler), run.init_from)
    if last and read_checkpoint(last)["global_step"] >= learner.last_step:
        print(f"All {learner.last_step} steps are made already.", flush=True)
        return

    loop = run.training
    # Lightning's own save_last only follows the best one; here the last epoch is kept whatever it was like.
    best = ModelCheckpoint(folder, "best", "val/loss", save_on_train_epoch_end=True, enable_version_counter=False)
    newest = ModelCheckpoint(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    stopping = EarlyStopping("val/loss", patience=loop.patience, check_on_train_epoch_end=True)
    several = loop.devices * loop.nodes > 1
    accumulated = loop.batch // (loop.micro_batch * loop.devices * loop.nodes)
    batches = loop.validate_every * accumulated if loop.validate_every else loop.batches_per_epoch
    trainer = L.Trainer(
        accelerator=loop.accelerator,
        devices=loop.devices,
        num_nodes=loop.nodes,
        strategy="ddp" if several else "auto",
        sync_batchnorm=several and torch.cuda.is_available(),  # torch has it for GPUs only
        precision=lightning_precision(loop.precision, loop.accelerator),
        min_epochs=0,  # also the first epoch may be the last, and stop halfway
        max_epochs=loop.max_epochs,
        max_time=None if loop.max_hours is None else {"seconds": round(3600 * loop.max_hours)},
        accumulate_grad_batches=accumulated,
        gradient_clip_val=loop.clip,
        limit_train_batches=batches or 1.0,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        callbacks=[Report(folder, loop.log_every), stopping, best, newest],
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        plugins=[WholeCheckpoints()],
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    if trainer.is_global_zero:
        print(f"training on {device_name(trainer.strategy.root_device)}, {trainer.precision}", flush=True)
    try:
        if run.init_from and not last:
            trainer.validate(learner, verbose=False)
        trainer.fit(learner, ckpt_path=str(last) if last else None)
    except SystemExit:  # Lightning's answer to Ctrl+C
        raise KeyboardInterrupt from None
