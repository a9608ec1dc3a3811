"""Atomic writes: a file or folder gets its name only when complete, and never replaces an input."""

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

from .errors import InputError

Place = str | os.PathLike
ABANDONED_AFTER_S = 24 * 3600


@contextmanager
def atomic_write(path: Place) -> Iterator[Path]:
    """Yields a temporary name beside `path`, with the same suffix; renamed to `path` on success, removed on failure.

    The block may create a file or a folder there. An existing file or empty folder at `path` is replaced. Raises
    InputError if it cannot be written or the disk is full.
    """
    path = Path(path)
    with _partial(path, path.parent) as temporary:
        yield temporary
        temporary.replace(path)


def write_json(path: Place, content: object) -> None:
    """Write `path` as indented JSON in UTF-8. Raises InputError as `atomic_write`."""
    with atomic_write(path) as temporary:
        # a name that is not valid text becomes \\udc83 and the like, which JSON restores
        text = json.dumps(content, indent=1, ensure_ascii=False)
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_record(path: Path) -> dict:
    """What a JSON file says of the files beside it; nothing where it is missing or says nothing."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


@contextmanager
def atomic_folder(folder: Place) -> Iterator[Path]:
    """Yields a temporary folder whose files move into `folder` at the end, replacing only files of the same name.

    On failure the folder is restored. Raises InputError as `atomic_write`.
    """
    folder = Path(folder)
    # Inside an existing folder, which may be the working folder or the root of another disk.
    with _partial(folder, folder if folder.is_dir() else folder.parent) as temporary:
        temporary.mkdir()
        yield temporary
        fresh = not folder.exists()
        folder.mkdir(exist_ok=True)
        with scratch(folder / "replaced") as replaced, ExitStack() as undo:
            if fresh:
                undo.callback(folder.rmdir)
                undo.callback(replaced.rmdir)
            for file in sorted(temporary.iterdir()):
                target, kept = folder / file.name, replaced / file.name
                if target.is_symlink() or target.is_file():
                    target.replace(kept)
                    undo.callback(kept.replace, target)
                file.replace(target)
                undo.callback(target.replace, file)
            undo.pop_all()


@contextmanager
def scratch(path: Place) -> Iterator[Path]:
    """Yields an empty folder beside `path` for intermediate files, removed at the end. Raises as `atomic_write`."""
    with _partial(Path(path), Path(path).parent) as temporary:
        temporary.mkdir()
        yield temporary


def refuse_overwriting_inputs(outputs: Iterable[Place | None], inputs: Iterable[Place | None]) -> None:
    """Raises InputError if an output is an input, contains one, or would be a new file directly in an input folder.

    Every command that writes calls it first. outputs: files to write, and folders to replace as a whole. inputs: files
    and folders that are read. None is ignored. Symbolic and hard links count as their targets.
    """
    read = [Path(place) for place in inputs if place is not None]
    for output in (Path(place) for place in outputs if place is not None):
        for source in read:
            if _same(output, source):
                raise InputError(
                    "{output} is read by this command and would be overwritten: give the output another name.",
                    output=output,
                )
            if source.is_dir() and (_same(output.parent, source) or output.resolve().parent == source.resolve()):
                raise InputError(
                    "{output} would be written into a folder that is read: give the output another folder.",
                    output=output,
                )
            if output.resolve() in source.resolve().parents:
                raise InputError(
                    "{output} holds {source}, which is read, and would be replaced: give the output another name.",
                    output=output,
                    source=source,
                )


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one is missing
        return one.resolve() == other.resolve()


@contextmanager
def _partial(path: Path, folder: Path) -> Iterator[Path]:
    """Yields a temporary name for `path` in `folder`, which is created; anything left there is removed."""
    temporary = folder / f".{path.stem[:80]}.{uuid.uuid4().hex[:8]}.partial{path.suffix}"
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InputError("Cannot write {path}: {folder} is not a folder.", path=path, folder=folder) from None
        _remove_abandoned(folder.resolve())
        yield temporary
    except OSError as error:
        raise InputError("Cannot write {path}: {reason}.", path=path, reason=error.strerror or error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink()


_TEMPORARY = re.compile(r"\..{0,80}\.[0-9a-f]{8}\.partial(\..*)?")


@cache  # once a folder, which may hold many files
def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files and folders of killed runs, untouched for a day."""
    with suppress(OSError):
        for place in folder.iterdir():
            old = time.time() - ABANDONED_AFTER_S
            if _TEMPORARY.fullmatch(place.name) and place.lstat().st_mtime < old:
                shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink()


def sha256_of(path: Path) -> str:
    """sha256 of a file of any size, in hexadecimal. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
