"""Checkpoints that no full disk, killed process or lost power costs: written whole, checked when read, and the one
before kept until then.

A checkpoint is a zip archive of torch.save, in which every tensor has its CRC-32. PyTorch does not look at these; here
and in `read_checkpoint` they are compared, so that a file of which a part was lost or zeroed is never trained on.
"""

import io
import os
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write
from rtmri2speech.models.weights import intact, load_exactly


def before(path: Path) -> Path:
    """Where the checkpoint that `path` replaced is kept: last.ckpt -> last.before.ckpt."""
    return path.with_name(f"{path.stem}.before{path.suffix}")


def write_checkpoint(path: Path, state: Mapping) -> None:
    """Write `path` complete or not at all, on the disk before it has its name.

    Raises InputError if the place cannot be written or the disk is full.
    """
    with atomic_write(path) as temporary:
        _write(temporary, state)


def write_newest(path: Path, state: Mapping) -> None:
    """As write_checkpoint; what was there stays as `before(path)`, unless it is damaged: then that one stays."""
    with atomic_write(path) as temporary:
        _write(temporary, state)
        if path.is_file() and _whole(path):
            path.replace(before(path))


def newest_whole(newest_first: Iterable[Path]) -> Path | None:
    """The first of these checkpoints that is not damaged; None if there are none. Says so where it is not the newest.

    Raises InputError if all are damaged.
    """
    damaged: Path | None = None
    for path in newest_first:
        if not path.is_file():
            continue
        if _whole(path):
            if damaged:
                print(f"{damaged} is damaged: going on from {path.name}, the one before.", file=sys.stderr, flush=True)
            return path
        damaged = damaged or path
    if damaged:
        raise InputError(
            "{path} is damaged, and no whole checkpoint from before it is there: put a copy back, or begin anew with "
            "--restart.",
            path=damaged,
        )
    return None


def load_start(module: nn.Module, tensors: dict[str, Tensor], source: str) -> None:
    """load_exactly for weights that a run begins with. Raises InputError if they are of another network."""
    try:
        load_exactly(module, tensors, source)
    except InputError as error:
        raise InputError(
            "{reason} To start from these weights give the settings of their network, or another init_from.",
            reason=error,
        ) from None


def _write(path: Path, state: Mapping) -> None:
    # Through memory: a full disk is then Python's OSError, where PyTorch's own writer dies of it.
    made = io.BytesIO()
    torch.save(dict(state), made)
    with path.open("wb") as file:
        file.write(made.getbuffer())
        file.flush()
        os.fsync(file.fileno())


def _whole(path: Path) -> bool:
    with suppress(OSError):
        return zipfile.is_zipfile(path) and intact(path)
    return False
