"""One run of the stages: python -m training.restore (see training/configs/restore.yaml)."""

from functools import partial
from pathlib import Path

from torch.utils.data import DataLoader

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs

from ..engine.checkpoint import write_newest
from ..engine.loop import Intervals, train_loop
from ..engine.run_folder import LAST, SETTINGS, check_resumable, held, newest_checkpoint, read_settings, write_settings
from ..preprocess.recordings import Recording, prepare_sources, spread
from .batches import StageBatches
from .config import STAGES, RestoreSettings
from .degrade import Degrader
from .learner import RestoreLearner
from .recordings import PEAK
from .validation import validate

# May change within a run: where things lie, how often it reports, and how far it goes.
_FREE = {"run_dir", "stage", "prepared", "init_from", "workers", "precision", "accelerator", "log_every"}
_FREE |= {"checkpoint_every", "validate_recordings", "pa.steps", "pretraining.steps", "finetune.steps"}


def train(settings: RestoreSettings) -> RestoreLearner:
    """Train the stages asked for, from the run's checkpoint if it has one, until their steps are made.

    Raises InputError if the folder holds a run of other settings, or fine-tuning is asked for before its time.
    """
    run = Path(settings.run_dir)
    read = [source.folder for source in settings.sources.values()]
    refuse_overwriting_inputs([run / SETTINGS, run / LAST], [*read, settings.init_from, settings.encoder])
    with held(settings):
        return _train(settings, run)


def _train(settings: RestoreSettings, run: Path) -> RestoreLearner:
    last = newest_checkpoint(run)
    if last:
        check_resumable(run, settings, read_settings(run, "restore"), free=_FREE)
    speech = Path(settings.prepared or run / "speech")
    recordings, held_out = prepare_sources(settings.sources, speech, settings.rate, PEAK)
    learner = RestoreLearner(settings)
    if last:
        learner.load(last)
    elif settings.init_from:
        learner.initialise(settings.init_from)
    if settings.stage == "finetune" and not settings.init_from:
        for stage in ("pa", "vocoder"):
            if learner.steps_done(stage) < settings.of(stage).steps:
                raise InputError("Stage finetune needs stage {stage} first: run it, or give init_from.", stage=stage)
    write_settings(run, settings)
    minutes = sum(r.samples for r in recordings) / settings.rate / 60
    print(f"{len(recordings)} recordings ({minutes:.1f} min), {len(held_out)} held out; {learner.device}", flush=True)
    for stage in STAGES if settings.stage == "all" else (settings.stage,):
        _train_stage(stage, learner, recordings, spread(held_out, settings.validate_recordings))
    return learner


def _train_stage(stage: str, learner: RestoreLearner, recordings: list[Recording], validation: list[Recording]) -> None:
    """Make the steps that the stage lacks."""
    settings, first = learner.settings, learner.steps_done(stage)
    run, last = Path(settings.run_dir), settings.of(stage).steps
    if first >= last:
        print(f"All {last} steps of stage {stage} are made already.", flush=True)
        return
    degrader = Degrader(settings.degradation, settings.rate, settings.seed)
    batches = StageBatches(settings, recordings, degrader, stage, first, last - first)
    drawn = iter(DataLoader(batches, batch_size=None, num_workers=settings.workers))
    train_loop(
        run,
        range(first, last),
        lambda _step: learner.advance(stage, next(drawn)),
        Intervals(settings.log_every, settings.checkpoint_every, settings.checkpoint_every),
        save=lambda _: write_newest(run / LAST, learner.state()),
        validate=partial(validate, learner, validation, degrader) if validation else None,
        part=stage,
        before=int(learner.done.sum()) - first,
    )
