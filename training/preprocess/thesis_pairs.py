"""The thesis' other files, made from samples/ on request: overlapping windows, and file lists for HiFi-GAN.

They are for the thesis' programs only, and as those read them: training here reads windows straight from samples/;
windows of 4 frames store every frame four times.
"""

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_folder, atomic_write, scratch
from rtmri2speech.speech.mel import Scaler

_AT_A_TIME = 64  # windows in memory


def write_windows(sample: Path, scaler: Scaler, length: int, out: Path) -> int:
    """All overlapping windows of the frames that the sound covers, as out/{mri,mel,mask}.npy; returns how many.

    mri (n, length, 1, H, W) in [0, 1], mel (n, length, n_mels) standardised, mask (n, length) of ones, all float32;
    n = T - length + 1, T being the frames with a row of the mel. A recording of fewer than `length` has none.
    """
    mask = np.load(sample / "mask.npy")
    frames = len(mask) if mask.all() else int(mask.argmin())
    count = max(0, frames - length + 1)
    if not count:
        return 0
    mri = np.load(sample / "mri.npy", mmap_mode="r")
    mel = scaler.standardise(np.load(sample / "mel_db.npy")[:frames])
    shapes = {"mri": (length, 1, *mri.shape[1:]), "mel": (length, mel.shape[1]), "mask": (length,)}
    arrays = {n: open_memmap(out / f"{n}.npy", "w+", np.float32, (count, *shape)) for n, shape in shapes.items()}
    for first in range(0, count, _AT_A_TIME):
        rows = np.arange(first, min(first + _AT_A_TIME, count))
        frame = rows[:, None] + np.arange(length)
        arrays["mri"][rows] = (np.asarray(mri[rows[0] : rows[-1] + length], np.float32) / 255)[frame - rows[0], None]
        arrays["mel"][rows] = mel[frame]
        arrays["mask"][rows] = 1
    for array in arrays.values():
        array.flush()
    return count


def write_pairs_npz(dataset: Path, length: int) -> int:
    """pairs_ref<length>/<ID>.npz, compressed, with mri, mel and mask of `write_windows`; returns how many windows."""
    folder = dataset / f"pairs_ref{length}"

    def store(id_: str, windows: Path) -> None:
        with atomic_write(folder / f"{id_}.npz") as temporary:
            arrays = {name: np.load(windows / f"{name}.npy", mmap_mode="r") for name in _NAMES}
            np.savez_compressed(temporary, **arrays)

    return _write_each(dataset, length, folder, store)


def write_pairs_npy(dataset: Path, length: int) -> int:
    """pairs_ref<length>_npy/<ID>/{mri,mel,mask}.npy, to be read by memory map; returns how many windows."""
    folder = dataset / f"pairs_ref{length}_npy"

    def store(id_: str, windows: Path) -> None:
        with atomic_folder(folder / id_) as temporary:
            for name in _NAMES:
                (windows / f"{name}.npy").rename(temporary / f"{name}.npy")

    return _write_each(dataset, length, folder, store)


def _write_each(dataset: Path, length: int, folder: Path, store: Callable[[str, Path], None]) -> int:
    """store(id, folder of its windows' arrays) for each recording that has windows; returns how many windows."""
    if length < 1:
        raise InputError("--ref_frames must be at least 1, not {length}.", length=length)
    scaler, total = Scaler.read(dataset / "scaler.json", _meta(dataset)["mel"]["n_mels"]), 0
    for id_ in _utterances(dataset):
        with scratch(folder / id_) as windows:
            if count := write_windows(dataset / "samples" / id_, scaler, length, windows):
                store(id_, windows)
                total += count
    return total


_NAMES = ("mri", "mel", "mask")


def _meta(dataset: Path) -> dict:
    return json.loads((dataset / "meta.json").read_text(encoding="utf-8"))


def _utterances(dataset: Path) -> list[str]:
    return sorted(_meta(dataset)["utterances"])


def write_filelists(dataset: Path, share: float = 0.1, seed: int = 42) -> None:
    """hifigan_filelists/training.txt and validation.txt: one "<ID>|dummy|dummy" a line; `share` of them for validation.

    Which recordings those are, and the order of the lines, are those of the thesis' create_rtmri_filelists.py.
    """
    ids = _utterances(dataset)
    random.Random(seed).shuffle(ids)
    held_out = max(1, int(share * len(ids))) if len(ids) > 1 else 0
    for name, chosen in (("training", ids[held_out:]), ("validation", ids[:held_out])):
        with atomic_write(dataset / "hifigan_filelists" / f"{name}.txt") as temporary:
            temporary.write_text("".join(f"{id_}|dummy|dummy\n" for id_ in chosen), encoding="utf-8", newline="\n")
