"""What every training promises of its run folder, tried on a tiny run of each: see never_lost."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from rtmri2speech.errors import InputError
from rtmri2speech.models.weights import read_checkpoint


def never_lost(train: Callable, settings, capsys) -> None:
    """train(settings): of a training that leaves at least two checkpoints; it begins with none.

    A damaged newest checkpoint is not loaded, the one before is, and the run ends as it did; where all are damaged or
    gone, or another process trains, one sentence tells, and nothing is touched; --restart keeps what was there.
    """
    run = Path(settings.run_dir)
    train(settings)
    newest = _checkpoints(run)[-1]
    ended = dict(_tensors(read_checkpoint(newest)))
    whole = newest.read_bytes()
    for damaged in (_zeroed(whole), whole[: len(whole) // 2], bytes(len(whole)), b""):
        newest.write_bytes(damaged)
        capsys.readouterr()
        train(settings)
        assert f"{newest} is damaged: going on from" in capsys.readouterr().err
        again = dict(_tensors(read_checkpoint(newest)))
        assert ended.keys() == again.keys() and all(torch.equal(ended[name], again[name]) for name in ended)

    kept = {path: path.read_bytes() for path in _checkpoints(run)}
    for path, content in kept.items():
        path.write_bytes(_zeroed(content))
    _refused(train, settings, "is damaged, and no whole checkpoint .* --restart")
    for path in kept:
        path.unlink()
    (run / "history.csv").touch()
    (run / "best.ckpt").write_bytes(whole)
    _refused(train, settings, "of an earlier run, and no checkpoint .* --restart")
    for path, content in kept.items():
        path.write_bytes(content)
    with FileLock(run / ".lock"):
        _refused(train, settings, "Another process is training in")
        _refused(train, replace(settings, restart=True), "Another process is training in")

    before = _contents(run)
    train(replace(settings, restart=True))
    (aside,) = run.glob("before_*")
    assert _contents(aside).items() <= before.items() and _checkpoints(aside)
    again = dict(_tensors(read_checkpoint(newest)))
    assert all(torch.equal(ended[name], again[name]) for name in ended)
    shutil.rmtree(aside)


def _checkpoints(run: Path) -> list[Path]:
    """Oldest first."""
    found = [*run.glob("last*"), *run.glob("checkpoints/*.pt")]
    return sorted(found, key=lambda path: (".before" not in path.name, path.name))


def _refused(train: Callable, settings, sentence: str) -> None:
    before = _contents(Path(settings.run_dir))
    with pytest.raises(InputError, match=sentence):
        train(settings)
    assert _contents(Path(settings.run_dir)) == before


def _zeroed(content: bytes) -> bytes:
    """As after a power failure: the file has its length, and a stretch of it was never written."""
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def _contents(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def _tensors(state, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(state, torch.Tensor):
        yield name, state
    elif isinstance(state, dict | list | tuple):
        for key, value in state.items() if isinstance(state, dict) else enumerate(state):
            if key == "callbacks":  # of Lightning, with paths
                continue
            yield from _tensors(value, f"{name}.{key}")
