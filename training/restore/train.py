"""One run of the stages: python -m training.restore (see training/configs/restore.yaml)."""

import logging
import warnings
from dataclasses import asdict
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from rtmri2speech.atomic import never_onto, write_json
from rtmri2speech.errors import InputError
from rtmri2speech.models.weights import load_exactly

from ..corpus.speech import prepare_sources
from ..run_folder import SETTINGS, read_settings, require_same
from .learner import RestoreLearner, run_state
from .recordings import PEAK
from .settings import RestoreSettings

# May change within a run: where things lie, how often it reports, and how far it goes.
_FREE = {"run_dir", "stage", "prepared", "init_from", "workers", "precision", "accelerator", "log_every"}
_FREE |= {"checkpoint_every", "validate_recordings", "pa.steps", "pretraining.steps", "finetune.steps"}


def train(settings: RestoreSettings) -> RestoreLearner:
    """Train the stages asked for, from the run's checkpoint if it has one, until their steps are made.

    Raises InputError if the folder holds a run of other settings, or fine-tuning is asked for before its time.
    """
    run = Path(settings.run_dir)
    read = [source.folder for source in settings.sources.values()]
    never_onto([run / SETTINGS, run / "last.ckpt"], [*read, settings.init_from, settings.encoder])
    speech = Path(settings.prepared or run / "speech")
    recordings, held_out = prepare_sources(settings.sources, speech, settings.rate, PEAK)
    last = run / "last.ckpt"
    if last.is_file():
        require_same(run, settings, read_settings(run, "restore"), free=_FREE)
    learner = RestoreLearner(settings, recordings, held_out)
    if last.is_file():
        done = run_state(run)["state_dict"]["done"]
        learner.done.copy_(done)  # Lightning loads the rest; the stage must be known before
    elif settings.init_from:
        initialise(learner, settings.init_from)
    if settings.stage == "finetune" and not settings.init_from:
        for stage in ("pa", "vocoder"):
            if learner.steps_done(stage) < settings.of(stage).steps:
                raise InputError("Stage finetune needs stage {stage} first: run it, or give init_from.", stage=stage)
    write_json(run / SETTINGS, asdict(settings))
    if learner.stage is None:
        print("All steps asked for are made already.")
        return learner
    minutes = sum(r.samples for r in recordings) / settings.rate / 60
    held = f"{len(held_out)} held out"
    print(f"{len(recordings)} recordings ({minutes:.1f} min), {held}; stage {learner.stage}", flush=True)
    trainer = L.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        precision=_precision(settings),
        max_epochs=-1,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if held_out and settings.validate_recordings else 0,
        reload_dataloaders_every_n_epochs=1,
        callbacks=[ModelCheckpoint(run, "last", save_on_train_epoch_end=True, enable_version_counter=False)],
        logger=TensorBoardLogger(run, name="", version="tensorboard"),
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Checkpoint directory .* exists")  # a run folder is meant to be gone on with
        warnings.filterwarnings("ignore", ".*does not have many workers")
        warnings.filterwarnings("ignore", ".*in eval mode")  # the encoder is meant to be
        warnings.filterwarnings("ignore", ".*LeafSpec")
        trainer.fit(learner, ckpt_path=str(last) if last.is_file() else None)
    return learner


def initialise(learner: RestoreLearner, folder: str) -> None:
    """Take adapters, vocoder and discriminators of another run; steps and learning rates start anew."""
    state = run_state(folder)["state_dict"]
    parts = {
        "model.encoder.adapters.": learner.model.encoder.adapters,
        "model.vocoder.": learner.model.vocoder,
        "discriminators.": learner.discriminators,
    }
    for prefix, part in parts.items():
        tensors = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        load_exactly(part, tensors, f"{folder} ({prefix.rstrip('.')})")


def _precision(settings: RestoreSettings) -> str:
    if settings.precision != "auto":
        return settings.precision
    return "bf16-mixed" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "32-true"
