"""Frames -> regions: the network over a clip, smoothed in time; where the face looks; whether it is a head at all."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch

from ..errors import InputError
from ..progress import UNSEEN, Progress
from .model import SURE, Run, SegmenterBundle, load_segmenter, runner
from .plausibility import plausibility, verdict_of
from .regions import NAMES, REST, SIZE, Regions

SMOOTHED_OVER_S = 0.02  # deviation of the weights in time: less than a fast closure lasts
_PROBES = 8  # frames that decide where the face looks
_CHUNK = 64  # frames whose probabilities are held at once
_STRAY = 0.2  # of a region's largest piece: a smaller one is taken for a mistake
_IN_ONE_PIECE = ("tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "brain", "spine")


def segment_regions(
    frames: np.ndarray,
    fps: float,
    segmenter: SegmenterBundle | None = None,
    *,
    precision: str = "auto",
    progress: Progress = UNSEEN,
) -> Regions:
    """uint8 (T, H, W) -> the regions of every frame. segmenter: by default the embedded one.

    A face that looks right is recognised and segmented as well. What is no head in profile has no regions: the
    verdict says so. progress is told ("regions", frames done, frames).
    """
    if frames.dtype != np.uint8 or frames.ndim != 3 or not len(frames):
        raise InputError("Regions are found in uint8 frames (T, H, W), not {shape}.", shape=frames.shape)
    segmenter = segmenter or load_segmenter()
    size = segmenter.network.config.size
    run = runner(segmenter, precision)
    probes = pictures(frames[np.unique(np.linspace(0, len(frames) - 1, _PROBES).round().astype(int))], size)
    facing = _facing(run, probes)
    labels = np.empty((len(frames), SIZE, SIZE), np.uint8)
    confidence = np.empty((len(frames), len(NAMES)), np.float32)
    plausible = np.empty(len(frames), np.float32)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy and OpenCV leave Python to others meanwhile
        for first, smoothed in _smoothed(run, frames, size, fps, facing):
            for k, found in enumerate(pool.map(_labelled, smoothed), first):
                labels[k], confidence[k], plausible[k] = found
            progress("regions", first + len(smoothed), len(frames))
    verdict = verdict_of(labels, confidence, plausible, lambda: _best_turned(run, probes))
    if not verdict.usable:
        labels[:], confidence[:] = REST, 0.0
    elif facing == "right":
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Regions(labels, fps, frames.shape[1:], "segmenter", confidence, facing, verdict)


def pictures(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size): made square with black, each of mean 0 and deviation 1."""
    height, width = frames.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    out = np.empty((len(frames), size, size), np.float32)
    square = np.zeros((side, side), np.uint8)
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    for picture, frame in zip(out, frames, strict=True):
        square[top : top + height, left : left + width] = frame
        picture[:] = square if side == size else cv2.resize(square, (size, size), interpolation=how)
        picture -= picture.mean()
        picture /= max(float(picture.std()), 1e-3)
    return out


def _plausible(shares: np.ndarray) -> float:
    best, sure = largest(shares)
    return plausibility(best, sure / np.float32(SURE))


def _facing(run: Run, probes: np.ndarray) -> str:
    """Where the face looks: as it is or mirrored, whichever is more like a head in profile."""
    left, right = (np.mean([_plausible(p) for p in run(batch)]) for batch in (probes, probes[:, :, ::-1].copy()))
    return "right" if right > left else "left"


def _best_turned(run: Run, probes: np.ndarray) -> float:
    """How plausible the best of the turned and tilted views of some frames is."""
    some = probes[:: max(1, len(probes) // 3)]
    views = [np.ascontiguousarray(np.rot90(v, k, (1, 2))) for v in (some, some[:, :, ::-1]) for k in (1, 2, 3)]
    return max(float(np.mean([_plausible(p) for p in run(view)])) for view in views)


def _smoothed(run: Run, frames: np.ndarray, size: int, fps: float, facing: str) -> Iterator[tuple[int, np.ndarray]]:
    """(first frame, probabilities (n, regions, size, size)) in pieces, each frame a mean over its neighbours."""
    reach = min(int(np.ceil(3 * SMOOTHED_OVER_S * fps)), len(frames) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTHED_OVER_S * fps)) ** 2)
    weights = weights[weights > 0.01]
    weights = (weights / weights.sum()).astype(np.float32)
    reach = len(weights) // 2
    held, start = np.empty((0, len(NAMES), size, size), np.uint8), 0
    for first in range(0, len(frames), _CHUNK):
        last = min(first + _CHUNK, len(frames))
        known, until = start + len(held), min(last + reach, len(frames))
        new = pictures(frames[known:until], size)
        if facing == "right":
            new = np.ascontiguousarray(new[:, :, ::-1])
        held = np.concatenate([held, run(new)]) if len(new) else held
        rows = held.reshape(len(held), -1)
        smooth = cv2.sepFilter2D(rows, -1, np.ones(1, np.float32), weights, borderType=cv2.BORDER_REPLICATE)
        yield first, smooth.reshape(held.shape)[first - start : last - start]
        keep = max(0, last - reach - start)
        held, start = held[keep:], start + keep


def _labelled(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Probabilities uint8 (regions, h, w) -> labels uint8 (SIZE, SIZE), confidence (regions,), plausibility."""
    best, sure = largest(shares)
    strays = _strays(best)
    if strays.any():
        shares[:, strays] = 0
        shares[REST, strays] = SURE
        best[strays], sure[strays] = REST, SURE
    pixels = np.bincount(best.ravel(), minlength=len(shares))
    confidence = np.bincount(best.ravel(), sure.ravel(), minlength=len(shares)) / np.maximum(pixels, 1) / SURE
    present = np.flatnonzero(pixels)
    fine = [cv2.resize(shares[k], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for k in present]
    labels = present.astype(np.uint8)[largest(fine)[0]]
    plausible = plausibility(best[::2, ::2], sure[::2, ::2] / np.float32(SURE))
    return labels, confidence.astype(np.float32), plausible


def largest(shares: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """K arrays (h, w) -> index of the largest (h, w) uint8, and its value; several times faster than argmax."""
    best, value = np.zeros(shares[0].shape, np.uint8), shares[0].copy()
    for k in range(1, len(shares)):
        best[shares[k] > value] = k
        np.maximum(value, shares[k], out=value)
    return best, value


def _strays(labels: np.ndarray) -> np.ndarray:
    """(h, w) bool: small pieces of a region that is in one piece, apart from it. They become rest."""
    strays = np.zeros(labels.shape, bool)
    for name in _IN_ONE_PIECE:
        region = (labels == NAMES.index(name)).view(np.uint8)
        x, y, width, height = cv2.boundingRect(region)
        box = slice(y, y + height), slice(x, x + width)
        if not width:
            continue
        count, pieces, sizes, _ = cv2.connectedComponentsWithStats(region[box], connectivity=8)
        if count > 2:
            areas = sizes[1:, cv2.CC_STAT_AREA]
            small = np.zeros(count, bool)
            small[1:] = areas < _STRAY * areas.max()
            strays[box] |= small[pieces]
    return strays
