"""The cache of label maps: made once, by worker processes, speaker by speaker; read whole."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write

from ..phantom.head import CLASSES

_SPEAKERS_A_WORKER = 40


@dataclass(frozen=True)
class LabelMaps:
    """labels: uint8 (N, SIZE, SIZE), tissue classes; speaker: (N,) whose head each of them shows."""

    labels: np.ndarray
    speaker: np.ndarray


def read_or_make_maps(path: Path, seed: int, speakers: Sequence[int], each: int, workers: int) -> LabelMaps:
    """The maps in `path`, made first if it is not there. Raises InputError if it holds others than asked for."""
    if not path.is_file():
        _write(path, seed, _make(seed, speakers, each, workers))
    try:
        with np.load(path, allow_pickle=False) as data:
            maps = LabelMaps(data["labels"], data["speaker"])
            same = int(data["seed"]) == seed and [str(name) for name in data["classes"]] == list(CLASSES)
    except (OSError, ValueError, KeyError) as error:
        raise InputError("{path} does not hold label maps ({error}).", path=path, error=error) from None
    if not same or not set(speakers) <= set(maps.speaker.tolist()):
        raise InputError("{path} holds the label maps of other heads: choose another file.", path=path)
    kept = np.isin(maps.speaker, list(speakers))
    return LabelMaps(maps.labels[kept], maps.speaker[kept])


def _make(seed: int, speakers: Sequence[int], each: int, workers: int) -> LabelMaps:
    # VocalTractLab never gives back the memory of a speaker it loaded: workers are replaced.
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(workers, maxtasksperchild=_SPEAKERS_A_WORKER) as pool:
        made = []
        for k, maps in enumerate(pool.imap(_one_speaker, [(seed, s, each) for s in speakers]), 1):
            made.append(maps)
            print(f"label maps: {k} of {len(speakers)} speakers", flush=True)
    return LabelMaps(np.concatenate(made), np.repeat(np.array(speakers), each))


def _one_speaker(task: tuple[int, int, int]) -> np.ndarray:
    # Imported here: the GPL library is loaded in workers only.
    from .phantom_heads import maps_of_speaker

    return maps_of_speaker(*task)


def _write(path: Path, seed: int, maps: LabelMaps) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        np.savez_compressed(
            temporary, labels=maps.labels, speaker=maps.speaker, seed=np.array(seed), classes=np.array(CLASSES)
        )
