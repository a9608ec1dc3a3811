"""What every run of training keeps in its folder: settings.json, by which it is gone on with, and history.csv; who may
train there, and when it is begun anew.
"""

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write, write_json
from rtmri2speech.models.weights import read_checkpoint

from .checkpoint import before, newest_whole, write_newest

SETTINGS = "settings.json"
LAST = "last.ckpt"
_LOCK = ".lock"
# What a run has learnt or measured, by which a folder is known to hold one; and what it writes before that.
_RESULTS = ("*.ckpt", "*.pt", "checkpoints/*.pt", "*.safetensors", "history.csv", "encoder/*.safetensors")
_FILES = ("*.ckpt", "*.pt", "*.safetensors", "history.csv", "checkpoints", "encoder", "sight", "tensorboard", SETTINGS)
_FILES += ("split.json", "held_out.txt", "scaler.json", "articulation.json", "voice.json")
_RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")  # of each process, where several train one model
_WAIT_S = 60.0


@contextmanager
def held(settings) -> Iterator[None]:
    """Keep the run folder to this process while it trains. settings: a dataclass with `run_dir` and `restart`.

    The lock is the system's: it ends with the process, however that ends. restart: what an earlier run left there is
    moved into <run_dir>/before_<time>. Should the start fail before anything is learnt, all is as it was: the folder is
    removed if it was made, and has its earlier run back. Where several processes train one model the first does this.
    Raises InputError if another process trains there, or the folder cannot be made.
    """
    from filelock import FileLock, Timeout

    run = Path(settings.run_dir)
    if not _leads(settings):
        until = time.monotonic() + _WAIT_S
        while settings.restart and results(run) and time.monotonic() < until:
            time.sleep(0.1)
        yield
        return
    made = next((place for place in (*reversed(run.parents), run) if not place.exists()), None)
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / _LOCK, blocking=False)
        lock.acquire()
    except Timeout:
        raise InputError(
            "Another process is training in {run}: wait for it, stop it, or give another run_dir.", run=run
        ) from None
    except OSError as error:
        raise InputError("Cannot write {path}: {reason}.", path=run, reason=error.strerror or error) from None
    try:
        kept = _set_aside(run) if settings.restart else None
        try:
            yield
        except Exception:
            if not results(run) and not (run / "tensorboard").exists():
                _undo_start(run, made, kept)
            raise
    finally:
        lock.release()


def _set_aside(run: Path) -> Path | None:
    """Move what an earlier run left into a folder of its own, and say so; None where there was no run."""
    if not (old := _files(run)):
        return None
    kept = run / time.strftime("before_%Y%m%d_%H%M%S")
    kept.mkdir()
    for path in old:
        path.replace(kept / path.name)
    print(f"begun anew; the earlier run is kept in {kept}", file=sys.stderr, flush=True)
    return kept


def _undo_start(run: Path, made: Path | None, kept: Path | None) -> None:
    if made:
        shutil.rmtree(run)
        with suppress(OSError):  # another run may have come into a folder above it
            for folder in run.parents:
                if folder in made.parents:
                    break
                folder.rmdir()
    elif kept:
        for path in _files(run):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in kept.iterdir():
            path.replace(run / path.name)
        kept.rmdir()


def _files(run: Path) -> list[Path]:
    return sorted(path for pattern in _FILES for path in run.glob(pattern))


def _leads(settings) -> bool:
    """Whether this is the first, or only, process of a training."""
    loop = getattr(settings, "training", None)
    several = loop is not None and loop.devices * loop.nodes > 1
    return not several or all(os.environ.get(name, "0") == "0" for name in _RANKS)


def results(run: Path) -> list[Path]:
    """The files in a folder that hold what a run has learnt or measured."""
    return sorted(path for pattern in _RESULTS for path in run.glob(pattern))


def newest_checkpoint(run: Path, found: Sequence[Path] | None = None) -> Path | None:
    """The checkpoint to go on from: last.ckpt, or the one before if that is damaged; None for a run that is to begin.

    found: in place of these two, the run's checkpoints, oldest first.
    Raises InputError if all are damaged, or there is none and yet the folder holds results, which would be lost.
    """
    newest_first = (run / LAST, before(run / LAST)) if found is None else reversed(found)
    newest = newest_whole(newest_first)
    if newest is None:
        require_no_results(run)
    return newest


def require_no_results(run: Path) -> None:
    """Raises InputError if the folder holds what a run has learnt or measured."""
    if made := results(run):
        raise InputError(
            "{run} holds {name} of an earlier run, and no checkpoint to go on from: begin anew with --restart, which "
            "keeps it in a folder of its own, or give another run_dir.",
            run=run,
            name=made[0].relative_to(run).as_posix(),
        )


def as_kept(settings) -> dict:
    """The settings as a run keeps them: all but `restart`, which is of one start only."""
    return {name: value for name, value in asdict(settings).items() if name != "restart"}


def write_settings(run: Path, settings, **more: object) -> None:
    """settings.json, with `more` in it."""
    write_json(run / SETTINGS, as_kept(settings) | more)


def read_settings(run: Path, command: str) -> dict:
    """What the run of training.`command` was last started with. Raises InputError if the folder is not such a run."""
    try:
        return json.loads((Path(run) / SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(
            "{run} is not a run of training.{command}: it has no settings.json that can be read.",
            run=run,
            command=command,
        ) from None


def check_resumable(run: Path, now, then: Mapping, *, free: Container[str] = (), prefix: str = "") -> None:
    """Raises InputError, naming the setting, if a run of other settings would be gone on with.

    now: a dataclass. then: what settings.json holds of it; a setting that is newer than the run had its default.
    free: the settings that may change, nested ones as "data.workers".
    """
    for field in fields(now):
        name, value = prefix + field.name, getattr(now, field.name)
        if name in free or name == "restart":
            continue
        if is_dataclass(value):
            before = then.get(field.name, {})
            if hasattr(value, "from_json"):  # which also knows the names that earlier versions wrote
                before = asdict(type(value).from_json(before))
            check_resumable(run, value, before, free=free, prefix=f"{name}.")
        elif _json(value) != (before := _json(then[field.name] if field.name in then else _default(field))):
            raise InputError(
                "The run in {run} was begun with {name} = {then}, not {now}: give that again, or another run_dir.",
                run=run,
                name=name,
                then=before,
                now=_json(value),
            )


def write_last(run: Path, settings, parts: Mapping, **more: object) -> None:
    """last.ckpt: the settings, the state of each part, a network or an optimiser, and `more`."""
    state = {name: part.state_dict() for name, part in parts.items()}
    write_newest(run / LAST, state | more | {"settings": json.dumps(as_kept(settings))})


def read_last(run: Path, settings, free: Container[str]) -> dict | None:
    """What write_last wrote, None before. Raises InputError as newest_checkpoint and check_resumable do."""
    path = newest_checkpoint(run)
    if path is None:
        return None
    state = read_checkpoint(path)
    check_resumable(run, settings, json.loads(state["settings"]), free=free)
    return state


def append_row(path: Path, row: Mapping[str, object]) -> None:
    """Add a row to a CSV file, in the place of the rows from its step on: of a run that went on from before them.

    Each value stands below its name, also where the row has other names than those before it.
    Raises InputError if the file cannot be written.
    """
    rows: list[Mapping[str, object]] = []
    with suppress(FileNotFoundError), path.open(encoding="utf-8", newline="") as file:
        rows = [old for old in csv.DictReader(file, restkey="") if not _at_or_after(old, row["step"])]
    rows.append(row)
    names = dict.fromkeys(name for each in rows for name in each if name)
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _at_or_after(row: Mapping[str, object], step) -> bool:
    try:
        return float(str(row["step"])) >= float(step)
    except (KeyError, ValueError):  # of a file that someone has edited
        return False


def _default(field: Field):
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def _json(value):
    """The value as JSON gives it back: tuples are lists."""
    return json.loads(json.dumps(value, default=asdict))
