"""last.ckpt: where a training of this package that was stopped goes on, with the settings that must stay for that."""

import json
from collections.abc import Container, Mapping
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.models.weights import read_checkpoint

from ..engine.checkpoint import write_newest
from ..engine.run_folder import LAST, as_kept, newest_checkpoint


def write_last(folder: Path, run, may_change: Container[str], state: Mapping[str, object]) -> None:
    """run: the settings, a dataclass; may_change: those that another start may give otherwise."""
    write_newest(folder / LAST, {**state, "settings": _fixed(run, may_change)})


def read_last(folder: Path, run, may_change: Container[str]) -> dict | None:
    """What was written last, None before. Raises InputError as newest_checkpoint does, or if the run was begun with
    other settings."""
    path = newest_checkpoint(folder)
    if path is None:
        return None
    state = read_checkpoint(path)
    if json.loads(state["settings"]) != json.loads(_fixed(run, may_change)):
        raise InputError("The run in {folder} was begun with other settings: give another run_dir.", folder=folder)
    return state


def _fixed(run, may_change: Container[str]) -> str:
    return json.dumps({key: value for key, value in as_kept(run).items() if key not in may_change})
