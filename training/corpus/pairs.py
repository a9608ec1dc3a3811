"""The thesis' other files, made from samples/ on request: overlapping windows, and file lists for HiFi-GAN.

Training here reads windows straight from samples/; windows of 4 frames store every frame four times.
"""

import json
import random
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rtmri2speech.atomic import replacing
from rtmri2speech.errors import InputError


def windows(sample: Path, length: int) -> dict[str, np.ndarray]:
    """All overlapping windows of samples/<ID>.

    mri (n, length, 1, H, W) uint8, mel (n, length, n_mels) and mask (n, length) float32,
    n = T - length + 1; a recording shorter than one window gives one, filled up with zeros and masked.
    Views on memory-mapped files where possible.
    """
    arrays = {n: np.load(sample / f"{n}.npy", mmap_mode="r") for n in ("mri", "mel_db", "mask")}
    short = max(0, length - len(arrays["mri"]))
    if short:
        arrays = {n: np.pad(a, ((0, short),) + ((0, 0),) * (a.ndim - 1)) for n, a in arrays.items()}
    view = {n: np.moveaxis(sliding_window_view(a, length, axis=0), -1, 1) for n, a in arrays.items()}
    return {"mri": view["mri"][:, :, None], "mel": view["mel_db"], "mask": view["mask"].astype(np.float32)}


def _utterances(dataset: Path) -> list[str]:
    return sorted(json.loads((dataset / "meta.json").read_text(encoding="utf-8"))["utterances"])


def write_pairs_npz(dataset: Path, length: int) -> None:
    """pairs_ref<length>/<ID>.npz, compressed, with mri, mel and mask as `windows` gives them."""
    _check(length)
    for id_ in _utterances(dataset):
        with replacing(dataset / f"pairs_ref{length}" / f"{id_}.npz") as temporary:
            np.savez_compressed(temporary, **windows(dataset / "samples" / id_, length))


def write_pairs_npy(dataset: Path, length: int) -> None:
    """pairs_ref<length>_npy/<ID>_{mri,mel,mask}.npy, to be read by memory map."""
    _check(length)
    for id_ in _utterances(dataset):
        for name, array in windows(dataset / "samples" / id_, length).items():
            with replacing(dataset / f"pairs_ref{length}_npy" / f"{id_}_{name}.npy") as temporary:
                np.save(temporary, array)


def _check(length: int) -> None:
    if length < 1:
        raise InputError("--ref_frames must be at least 1, not {length}.", length=length)


def write_filelists(dataset: Path, share: float = 0.1, seed: int = 42) -> None:
    """hifigan_filelists/training.txt and validation.txt: one "<ID>|<text>" a line; `share` of them for validation."""
    utterances = json.loads((dataset / "meta.json").read_text(encoding="utf-8"))["utterances"]
    ids = sorted(utterances)
    random.Random(seed).shuffle(ids)
    held_out = set(ids[: max(1, round(share * len(ids)))]) if len(ids) > 1 else set()
    for name, chosen in (("training", lambda i: i not in held_out), ("validation", lambda i: i in held_out)):
        lines = [f"{i}|{utterances[i]['text'] or ''}\n" for i in sorted(ids) if chosen(i)]
        with replacing(dataset / "hifigan_filelists" / f"{name}.txt") as temporary:
            temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
