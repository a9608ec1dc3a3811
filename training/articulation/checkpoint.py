"""last.ckpt: where a training of this package that was stopped goes on, with the settings that must stay for that."""

import json
from collections.abc import Container, Mapping
from dataclasses import asdict
from pathlib import Path

import torch

from rtmri2speech.errors import InputError
from rtmri2speech.files import replacing

_NAME = "last.ckpt"


def write_last(folder: Path, run, may_change: Container[str], state: Mapping[str, object]) -> None:
    """run: the settings, a dataclass; may_change: those that another start may give otherwise."""
    with replacing(folder / _NAME) as temporary:
        torch.save({**state, "settings": _fixed(run, may_change)}, temporary)


def read_last(folder: Path, run, may_change: Container[str]) -> dict | None:
    """What was written last, None before. Raises InputError if the run was begun with other settings."""
    path = folder / _NAME
    if not path.is_file():
        return None
    state = torch.load(path, map_location="cpu", weights_only=True)
    if json.loads(state["settings"]) != json.loads(_fixed(run, may_change)):
        raise InputError("The run in {folder} was begun with other settings: give another run_dir.", folder=folder)
    return state


def _fixed(run, may_change: Container[str]) -> str:
    return json.dumps({key: value for key, value in asdict(run).items() if key not in may_change})
