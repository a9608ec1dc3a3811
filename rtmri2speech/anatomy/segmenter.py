"""Frames -> regions: where the face looks and where its tract is, then the tract of every frame, smoothed in time.

The network looks twice. First at some frames of the clip as a whole: is there a head in profile, does it look left or
right, where is the tract, where are brain and spine, which do not move. Then at every frame, cut to the tract: whatever
the field of view, it is seen at about the same size, and finer.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..errors import InputError
from ..progress import UNSEEN, Progress
from .model import SURE, Run, SegmenterBundle, load_segmenter, runner
from .plausibility import LOOK_AGAIN, plausibility, verdict_of
from .regions import GROUPS, NAMES, REST, SIZE, Regions, Verdict

SMOOTHED_OVER_S = 0.02  # deviation of the weights in time: less than a fast closure lasts
_PROBES = 8  # frames of the first look
_MARGIN = 1.2  # the second look's side against that of the tract
_CHUNK = 64  # frames whose probabilities are held at once
_STRAY = 0.2  # of a region's largest piece: a smaller one is taken for a mistake
_IN_ONE_PIECE = ("tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "brain", "spine")
_UNMOVED = ("brain", "spine")
_SOLID_TRACT = [NAMES.index(name) for name in GROUPS["tract"] if name != "airway"]


@dataclass(frozen=True)
class Crop:
    """A square of the clip's frames, in their pixels; it may reach beyond them, where all is black."""

    top: int
    left: int
    side: int

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> "Crop":
        height, width = shape
        side = max(height, width)
        return cls(-((side - height) // 2), -((side - width) // 2), side)


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
    size, run = segmenter.network.config.size, runner(segmenter, precision)
    shape, whole = frames.shape[1:], Crop.whole(frames.shape[1:])
    probes = frames[np.unique(np.linspace(0, len(frames) - 1, _PROBES).round().astype(int))]
    facing, shares = _first_look(run, pictures(probes, size, whole))
    if np.median([_plausible(p) for p in shares]) < LOOK_AGAIN:
        kind = "turned" if _best_turned(run, pictures(probes, size, whole)) >= LOOK_AGAIN else "not_a_head"
        return _nothing(len(frames), fps, shape, Verdict(kind))
    still = _labelled(shares.mean(axis=0).round().astype(np.uint8))
    crop = _around_tract(shares, whole)
    labels = np.empty((len(frames), SIZE, SIZE), np.uint8)
    confidence = np.empty((len(frames), len(NAMES)), np.float32)
    plausible = np.empty(len(frames), np.float32)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy and OpenCV leave Python to others meanwhile
        for first, smoothed in _smoothed(run, frames, size, fps, crop, facing):
            for k, found in enumerate(pool.map(lambda p: _labelled(p, crop, whole, still), smoothed), first):
                labels[k], confidence[k], plausible[k] = found
            progress("regions", first + len(smoothed), len(frames))
    verdict = verdict_of(labels, confidence, plausible)
    if not verdict.usable:
        return _nothing(len(frames), fps, shape, verdict)
    if facing == "right":
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Regions(labels, fps, shape, "segmenter", confidence, facing, verdict)


def pictures(frames: np.ndarray, size: int, crop: Crop | None = None) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size): what the crop shows (default: all, made square with black), each of
    mean 0 and deviation 1."""
    height, width = frames.shape[1:]
    crop = crop or Crop.whole((height, width))
    top, left, side = crop.top, crop.left, crop.side
    rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    out = np.empty((len(frames), size, size), np.float32)
    square = np.zeros((side, side), np.uint8)
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    for picture, frame in zip(out, frames, strict=True):
        square[inside] = frame[rows, columns]
        picture[:] = square if side == size else cv2.resize(square, (size, size), interpolation=how)
        picture -= picture.mean()
        picture /= max(float(picture.std()), 1e-3)
    return out


def _nothing(count: int, fps: float, shape: tuple[int, int], verdict: Verdict) -> Regions:
    labels = np.full((count, SIZE, SIZE), REST, np.uint8)
    return Regions(labels, fps, shape, "segmenter", np.zeros((count, len(NAMES)), np.float32), "left", verdict)


# ---------------------------------------------------------------------------------------------------- the first look


def _first_look(run: Run, probes: np.ndarray) -> tuple[str, np.ndarray]:
    """Where the face looks, whichever side is more like a head in profile; and the shares (n, regions, h, w), of the
    face turned to the left."""
    views = {"left": run(probes), "right": run(np.ascontiguousarray(probes[:, :, ::-1]))}
    likely = {facing: np.mean([_plausible(p) for p in shares]) for facing, shares in views.items()}
    facing = "right" if likely["right"] > likely["left"] else "left"
    return facing, views[facing]


def _best_turned(run: Run, probes: np.ndarray) -> float:
    """How plausible the best of the turned and tilted views of some frames is."""
    some = probes[:: max(1, len(probes) // 3)]
    views = [np.ascontiguousarray(np.rot90(v, k, (1, 2))) for v in (some, some[:, :, ::-1]) for k in (1, 2, 3)]
    return max(float(np.mean([_plausible(p) for p in run(view)])) for view in views)


def _plausible(shares: np.ndarray) -> float:
    best, sure = largest(shares)
    return plausibility(best, sure / np.float32(SURE))


def _around_tract(shares: np.ndarray, whole: Crop) -> Crop:
    """The square around everywhere the tract was in the first look; the whole picture where it fills that."""
    best = [largest(p)[0] for p in shares]
    tract = np.mean([np.isin(b, _SOLID_TRACT) & ~_strays(b) for b in best], axis=0) > 0.3
    rows, columns = np.flatnonzero(tract.any(axis=1)), np.flatnonzero(tract.any(axis=0))
    per_pixel = whole.side / tract.shape[0]
    side = round(_MARGIN * per_pixel * (max(np.ptp(rows), np.ptp(columns)) + 1))
    if side > 0.92 * whole.side:
        return whole
    middle = per_pixel * np.array([rows[0] + rows[-1] + 1, columns[0] + columns[-1] + 1]) / 2
    top, left = np.rint(middle - side / 2).astype(int)
    return Crop(whole.top + int(top), whole.left + int(left), side)


# --------------------------------------------------------------------------------------------------- the second look


def _smoothed(
    run: Run, frames: np.ndarray, size: int, fps: float, crop: Crop, facing: str
) -> Iterator[tuple[int, np.ndarray]]:
    """(first frame, shares uint8 (n, regions, size, size)) in pieces, each frame a mean over its neighbours."""
    reach = min(int(np.ceil(3 * SMOOTHED_OVER_S * fps)), len(frames) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SMOOTHED_OVER_S * fps)) ** 2)
    weights = weights[weights > 0.01]
    weights = (weights / weights.sum()).astype(np.float32)
    reach = len(weights) // 2
    if facing == "right":  # the crop is given on the picture of the face turned to the left
        whole = Crop.whole(frames.shape[1:])
        crop = Crop(crop.top, 2 * whole.left + whole.side - crop.left - crop.side, crop.side)
    held, start = np.empty((0, len(NAMES), size, size), np.uint8), 0
    for first in range(0, len(frames), _CHUNK):
        last = min(first + _CHUNK, len(frames))
        known, until = start + len(held), min(last + reach, len(frames))
        new = pictures(frames[known:until], size, crop)
        if facing == "right":
            new = np.ascontiguousarray(new[:, :, ::-1])
        held = np.concatenate([held, run(new)]) if len(new) else held
        rows = held.reshape(len(held), -1)
        smooth = cv2.sepFilter2D(rows, -1, np.ones(1, np.float32), weights, borderType=cv2.BORDER_REPLICATE)
        yield first, smooth.reshape(held.shape)[first - start : last - start]
        keep = max(0, last - reach - start)
        held, start = held[keep:], start + keep


Labelled = tuple[np.ndarray, np.ndarray, float]  # labels uint8 (SIZE, SIZE), confidence (regions,), plausibility


def _labelled(
    shares: np.ndarray, crop: Crop | None = None, whole: Crop | None = None, still: Labelled | None = None
) -> Labelled:
    """Shares uint8 (regions, h, w) of a crop of the picture -> its labels, confidence of each region, plausibility.

    still: what the first look found, for what lies outside this crop and for what does not move. Without a crop the
    shares are of the whole picture.
    """
    best, sure = largest(shares)
    strays = _strays(best)
    if strays.any():
        shares[:, strays] = 0
        shares[REST, strays] = SURE
        best[strays], sure[strays] = REST, SURE
    pixels = np.bincount(best.ravel(), minlength=len(shares))
    confidence = np.bincount(best.ravel(), sure.ravel(), minlength=len(shares)) / np.maximum(pixels, 1) / SURE
    plausible = plausibility(best[::2, ::2], sure[::2, ::2] / np.float32(SURE))
    present = np.flatnonzero(pixels)
    if still is None or crop is None or whole is None:
        fine = [cv2.resize(shares[k], (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for k in present]
        return present.astype(np.uint8)[largest(fine)[0]], confidence.astype(np.float32), plausible
    unmoved = [NAMES.index(name) for name in _UNMOVED]
    moving = np.setdiff1d(present, unmoved)
    labels = still[0].copy()
    box, matrix = _placed(crop, whole, len(best))
    here = labels[box]
    fine = [cv2.warpAffine(shares[k], matrix, here.shape[::-1], flags=cv2.INTER_LINEAR) for k in (*moving, *unmoved)]
    found = np.array([*moving, *[REST] * len(unmoved)], np.uint8)[largest(fine)[0]]
    labels[box] = np.where((found == REST) & np.isin(here, unmoved), here, found)
    confidence[unmoved] = still[1][unmoved]
    return labels, confidence.astype(np.float32), plausible


def _placed(crop: Crop, whole: Crop, size: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where a crop of `size` pixels lies on the picture of SIZE: rows and columns, and (2, 3) from its pixels there."""
    scale = SIZE / whole.side
    top, left, side = scale * (crop.top - whole.top), scale * (crop.left - whole.left), scale * crop.side
    rows = slice(max(0, int(np.ceil(top - 0.5))), min(SIZE, int(np.floor(top + side - 0.5)) + 1))
    columns = slice(max(0, int(np.ceil(left - 0.5))), min(SIZE, int(np.floor(left + side - 0.5)) + 1))
    grown = side / size
    shift = [offset + 0.5 * grown - 0.5 - start for offset, start in ((left, columns.start), (top, rows.start))]
    return (rows, columns), np.array([[grown, 0, shift[0]], [0, grown, shift[1]]])


def largest(shares: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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
        if not width:
            continue
        box = slice(y, y + height), slice(x, x + width)
        count, pieces, sizes, _ = cv2.connectedComponentsWithStats(region[box], connectivity=8)
        if count > 2:
            areas = sizes[1:, cv2.CC_STAT_AREA]
            small = np.zeros(count, bool)
            small[1:] = areas < _STRAY * areas.max()
            strays[box] |= small[pieces]
    return strays
