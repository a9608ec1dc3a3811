"""Nothing half-written: a file or folder appears under its own name only when it is complete."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside `path`, with the same suffix; renamed to `path` on success, removed on any failure.

    The block may create a file or a folder there. An existing file or empty folder at `path` is replaced.
    Raises InputError if the place cannot be written or the disk is full.
    """
    path = Path(path)
    with _partial(path) as temporary:
        yield temporary
        temporary.replace(path)


@contextmanager
def filling(folder: str | os.PathLike) -> Iterator[Path]:
    """A temporary folder whose files move into `folder` at the end, replacing only files of the same name.

    On any failure nothing has moved and the temporary folder is removed. Raises InputError as `replacing` does.
    """
    folder = Path(folder)
    with _partial(folder) as temporary:
        temporary.mkdir()
        yield temporary
        folder.mkdir(exist_ok=True)
        for file in temporary.iterdir():
            file.replace(folder / file.name)


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    temporary = path.with_name(f".{path.stem[:80]}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
    except OSError as error:
        raise InputError("Cannot write {path}: {reason}.", path=path, reason=error.strerror or error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink()
