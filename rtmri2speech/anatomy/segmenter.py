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

from ..clips.disk_array import DiskArray
from ..errors import InputError
from ..progress import UNSEEN, Progress
from .plausibility import CLEAR, LOOK_AGAIN, plausibility, verdict_of
from .regions import GROUPS, NAMES, REST, SIZE, Regions, Verdict
from .segmenter_bundle import SURE, Run, SegmenterBundle, load_segmenter, runner

SMOOTHED_OVER_S = 0.02  # deviation of the weights in time: less than a fast closure lasts
_PROBES = 8  # frames of the first look
_MARGIN = 1.2  # the second look's side against that of the tract
_CHUNK = 64  # frames whose probabilities are held at once
_STRAY = 0.2  # of a region's largest piece: a smaller one is taken for a mistake
_IN_ONE_PIECE = ("tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "brain", "spine")
_UNMOVED = [NAMES.index(name) for name in ("brain", "spine")]
_IS_UNMOVED = np.isin(np.arange(256), _UNMOVED)
_SOLID_TRACT = [NAMES.index(name) for name in GROUPS["tract"] if name != "airway"]


@dataclass(frozen=True)
class Crop:
    """A square part of the picture of SIZE, in its pixels."""

    top: int = 0
    left: int = 0
    side: int = SIZE

    @property
    def box(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.side), slice(self.left, self.left + self.side)


def segment_regions(
    frames: np.ndarray,
    fps: float,
    segmenter: SegmenterBundle | None = None,
    *,
    precision: str = "fp32",
    progress: Progress = UNSEEN,
) -> Regions:
    """uint8 (T, H, W) -> the regions of every frame. segmenter: by default the embedded one.

    A face that looks right is recognised and segmented as well. What is no head in profile has no regions: the
    verdict says so. progress is told ("regions", frames done, frames).
    """
    if frames.dtype != np.uint8 or frames.ndim != 3 or not len(frames):
        raise InputError("Regions are found in uint8 frames (T, H, W), not {shape}.", shape=frames.shape)
    segmenter = segmenter or load_segmenter()
    count, shape = len(frames), (frames.shape[1], frames.shape[2])
    size, run = segmenter.network.config.size, runner(segmenter, precision)
    probes = pictures(frames[np.unique(np.linspace(0, count - 1, _PROBES).round().astype(int))], size)
    facing, shares = _first_look(run, probes)
    likely = float(np.median([_plausible(p) for p in shares]))
    turned = _best_turned(run, probes) if likely < CLEAR else 0.0
    if max(likely, turned) < LOOK_AGAIN or turned > likely:
        return _nothing(count, fps, shape, Verdict("turned" if turned >= LOOK_AGAIN else "not_a_head"))
    still = _labelled(shares.mean(axis=0).round().astype(np.uint8))
    crop = _around_tract(shares)
    rows = DiskArray()
    confidence = np.empty((count, len(NAMES)), np.float32)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy and OpenCV leave Python to others meanwhile
        for first, smoothed in _smoothed(run, frames, size, fps, crop, facing):
            for k, (labels, sure) in enumerate(pool.map(lambda p: _in_crop(p, crop, still), smoothed), first):
                rows.add(labels[None])
                confidence[k] = sure
            progress("regions", first + len(smoothed), count)
    labels = rows.whole()
    verdict = verdict_of(labels, confidence)
    if not verdict.usable:
        return _nothing(count, fps, shape, verdict)
    if facing == "right":
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Regions(labels, fps, shape, "segmenter", confidence, facing, verdict)


def pictures(frames: np.ndarray, size: int, crop: Crop | None = None, mirrored: bool = False) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size), each of mean 0 and deviation 1.

    Each frame is made square with black and, where only a crop of it is wanted, brought to SIZE first. mirrored: the
    crop is of the mirror image, and so is the picture.
    """
    height, width = frames.shape[1:]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.zeros((side, side), np.uint8)
    out = np.empty((len(frames), size, size), np.float32)
    for picture, frame in zip(out, frames, strict=True):
        square[top : top + height, left : left + width] = frame
        whole = square if crop is None else _resized(square, SIZE)
        whole = whole[:, ::-1] if mirrored else whole
        picture[:] = _resized(whole if crop is None else whole[crop.box], size)
        picture -= picture.mean()
        picture /= max(float(picture.std()), 1e-3)
    return out


def _resized(square: np.ndarray, size: int) -> np.ndarray:
    if len(square) == size:
        return square
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if len(square) > size else cv2.INTER_CUBIC)


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
    return plausibility(best, _confidence(best, sure))


def _around_tract(shares: np.ndarray) -> Crop:
    """The square around everywhere the tract was in the first look, within the picture."""
    best = [largest(p)[0] for p in shares]
    tract = np.mean([np.isin(b, _SOLID_TRACT) & ~_strays(b) for b in best], axis=0) > 0.3
    rows, columns = np.flatnonzero(tract.any(axis=1)), np.flatnonzero(tract.any(axis=0))
    grown = SIZE / len(tract)
    side = min(SIZE, round(_MARGIN * grown * (max(np.ptp(rows), np.ptp(columns)) + 1)))
    middle = grown * np.array([rows[0] + rows[-1] + 1, columns[0] + columns[-1] + 1]) / 2
    top, left = np.clip(np.rint(middle - side / 2), 0, SIZE - side).astype(int)
    return Crop(int(top), int(left), side)


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
    held, start = np.empty((0, len(NAMES), size, size), np.uint8), 0
    for first in range(0, len(frames), _CHUNK):
        last = min(first + _CHUNK, len(frames))
        known, until = start + len(held), min(last + reach, len(frames))
        new = pictures(frames[known:until], size, crop, mirrored=facing == "right")
        held = np.concatenate([held, run(new)]) if len(new) else held
        rows = held.reshape(len(held), -1)
        smooth = cv2.sepFilter2D(rows, -1, np.ones(1, np.float32), weights, borderType=cv2.BORDER_REPLICATE)
        yield first, smooth.reshape(held.shape)[first - start : last - start]
        keep = max(0, last - reach - start)
        held, start = held[keep:], start + keep


Labelled = tuple[np.ndarray, np.ndarray]  # labels uint8 (SIZE, SIZE), confidence float32 (regions,)


def _in_crop(shares: np.ndarray, crop: Crop, still: Labelled) -> Labelled:
    """Shares uint8 (regions, h, w) of a crop -> the whole picture's labels, and the confidence of each region.

    still: what the first look found: it stays outside the crop, and so does what does not move.
    """
    labels, confidence = still[0].copy(), still[1].copy()
    best, sure = _cleaned(shares)
    moving = np.setdiff1d(np.arange(len(shares)), _UNMOVED)
    confidence[moving] = _confidence(best, sure)[moving]
    np.maximum.reduce(shares[[REST, *_UNMOVED]], out=shares[REST])
    found, here = _enlarged(shares, np.intersect1d(best, moving), crop.side), labels[crop.box]
    labels[crop.box] = np.where((found == REST) & _IS_UNMOVED[here], here, found)
    return labels, confidence


def _labelled(shares: np.ndarray) -> Labelled:
    """Shares uint8 (regions, h, w) of the whole picture -> its labels, and the confidence of each region."""
    best, sure = _cleaned(shares)
    return _enlarged(shares, np.unique(best), SIZE), _confidence(best, sure)


def _cleaned(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The region of each pixel and its share, both uint8 (h, w). Strays become rest, in the shares as well."""
    best, sure = largest(shares)
    strays = _strays(best)
    if strays.any():
        shares[:, strays] = 0
        shares[REST, strays] = SURE
        best[strays], sure[strays] = REST, SURE
    return best, sure


def _confidence(best: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(regions,) float32: the mean share of each region's pixels, 0 to 1; 0 of a region that is nowhere."""
    pixels = np.bincount(best.ravel(), minlength=len(NAMES))
    total = np.bincount(best.ravel(), sure.ravel(), minlength=len(NAMES))
    return (total / np.maximum(pixels, 1) / SURE).astype(np.float32)


def _enlarged(shares: np.ndarray, present: np.ndarray, side: int) -> np.ndarray:
    """Labels uint8 (side, side) of shares (regions, h, w), of which only those of `present` regions count."""
    fine = [cv2.resize(shares[k], (side, side), interpolation=cv2.INTER_LINEAR) for k in present]
    return present.astype(np.uint8)[largest(fine)[0]]


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
