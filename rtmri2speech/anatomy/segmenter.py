"""Segmentation: frames -> regions, in two passes, smoothed in time.

The first pass takes a few whole frames: is there a midsagittal head, which way does it face, where are the vocal tract
and the static regions, brain and spine. The second takes every frame cropped to the tract, so that its size hardly
depends on the field of view.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from ..clips.disk_array import DiskArray
from ..clips.preprocessing import square_frames
from ..errors import InputError
from ..progress import UNSEEN, Progress
from .plausibility import CLEAR, LOOK_AGAIN, plausibility, verdict_of
from .regions import GROUPS, NAMES, REST, SIZE, Regions, Verdict
from .segmenter_bundle import SURE, Run, SegmenterBundle, load_segmenter, runner

SMOOTHED_OVER_S = 0.02  # deviation of the temporal weights: shorter than a fast closure
_PROBES = 8  # frames of the first pass
_MARGIN = 1.2  # side of the crop, relative to the tract's
_CHUNK = 64  # frames whose probabilities are held at once
_SEEN = 0.25  # of the tongue's mean brightness above air: darker than this, a static region is not seen
_STRAY = 0.2  # of a region's largest component: smaller ones are removed
_IN_ONE_PIECE = ("tongue", "lower_lip", "upper_lip", "velum", "jaw", "hard_palate", "pharynx_wall", "brain", "spine")
_UNMOVED = [NAMES.index(name) for name in ("brain", "spine")]
_IS_UNMOVED = np.isin(np.arange(256), _UNMOVED)
SOLID_TRACT = [NAMES.index(name) for name in GROUPS["tract"] if name != "airway"]


@dataclass(frozen=True)
class Crop:
    """A square crop of the picture of SIZE, in pixels."""

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
    """uint8 (T, H, W) -> the regions of every frame. segmenter: default: the embedded one.

    A face to either side is recognised. Without a midsagittal head there are no regions, and the verdict says so.
    progress: its stage is "regions". Raises InputError for frames of another type or shape.
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
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # NumPy and OpenCV release the GIL
        for first, smoothed in _smoothed(run, frames, size, fps, crop, facing):
            for k, (labels, sure) in enumerate(pool.map(lambda p: _in_crop(p, crop, still), smoothed), first):
                rows.add(labels[None])
                confidence[k] = sure
            progress("regions", first + len(smoothed), count)
    labels = rows.whole()
    _forget_unseen(labels, confidence, frames, facing)
    verdict = verdict_of(labels, confidence)
    if not verdict.usable:
        return _nothing(count, fps, shape, verdict)
    if facing == "right":
        labels = np.ascontiguousarray(labels[:, :, ::-1])
    return Regions(labels, fps, shape, "segmenter", confidence, facing, verdict)


def pictures(frames: np.ndarray, size: int, crop: Crop | None = None, mirrored: bool = False) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size), each of mean 0 and deviation 1.

    Each frame is padded to a square and, for a crop, resized to SIZE first. mirrored: the crop is of the mirror image.
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


# ---------------------------------------------------------------------------------------------------- the first pass


def _first_look(run: Run, probes: np.ndarray) -> tuple[str, np.ndarray]:
    """The side the face looks to, by plausibility, and the probabilities (n, regions, h, w) of the face turned left."""
    views = {"left": run(probes), "right": run(np.ascontiguousarray(probes[:, :, ::-1]))}
    likely = {facing: np.mean([_plausible(p) for p in shares]) for facing, shares in views.items()}
    facing = "right" if likely["right"] > likely["left"] else "left"
    return facing, views[facing]


def _best_turned(run: Run, probes: np.ndarray) -> float:
    """Plausibility of the best rotated view of some frames."""
    some = probes[:: max(1, len(probes) // 3)]
    views = [np.ascontiguousarray(np.rot90(v, k, (1, 2))) for v in (some, some[:, :, ::-1]) for k in (1, 2, 3)]
    return max(float(np.mean([_plausible(p) for p in run(view)])) for view in views)


def _plausible(shares: np.ndarray) -> float:
    best, sure = largest(shares)
    return plausibility(best, _confidence(best, sure))


def _around_tract(shares: np.ndarray) -> Crop:
    """The square crop around the tract in all frames of the first pass, within the picture."""
    best = [largest(p)[0] for p in shares]
    return square_around(np.mean([np.isin(b, SOLID_TRACT) & ~_strays(b) for b in best], axis=0) > 0.3)


def square_around(tract: np.ndarray) -> Crop:
    """The square crop around a mask bool (h, h) of the picture, with a margin, within the picture."""
    rows, columns = np.flatnonzero(tract.any(axis=1)), np.flatnonzero(tract.any(axis=0))
    grown = SIZE / len(tract)
    side = min(SIZE, round(_MARGIN * grown * (max(np.ptp(rows), np.ptp(columns)) + 1)))
    middle = grown * np.array([rows[0] + rows[-1] + 1, columns[0] + columns[-1] + 1]) / 2
    top, left = np.clip(np.rint(middle - side / 2), 0, SIZE - side).astype(int)
    return Crop(int(top), int(left), side)


# --------------------------------------------------------------------------------------------------- the second pass


def _smoothed(
    run: Run, frames: np.ndarray, size: int, fps: float, crop: Crop, facing: str
) -> Iterator[tuple[int, np.ndarray]]:
    """Yields (first frame, probabilities uint8 (n, regions, size, size)) in chunks, smoothed over neighbouring
    frames."""
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


def _forget_unseen(labels: np.ndarray, confidence: np.ndarray, frames: np.ndarray, facing: str) -> None:
    """Takes away brain and spine where the picture is dark, in place: the network puts them where they must be, also
    beyond the coil's reach. labels, and the frames once turned, are of a face to the left."""
    some = np.unique(np.linspace(0, len(labels) - 1, _PROBES).round().astype(int))
    mean = square_frames(frames[some], SIZE).mean(axis=0)
    mean = mean[:, ::-1] if facing == "right" else mean
    mean = mean - np.percentile(mean, 20)  # air and noise
    tongue = (labels[some] == NAMES.index("tongue")).mean(axis=0) > 0.5
    if not tongue.any():
        return
    for region in _UNMOVED:
        here = labels[some[0]] == region
        if here.any() and mean[here].mean() < _SEEN * mean[tongue].mean():
            labels[labels == region] = REST
            confidence[:, region] = 0


Labelled = tuple[np.ndarray, np.ndarray]  # labels uint8 (SIZE, SIZE), confidence float32 (regions,)


def _in_crop(shares: np.ndarray, crop: Crop, still: Labelled) -> Labelled:
    """Probabilities uint8 (regions, h, w) of a crop -> the whole picture's labels, and each region's confidence.

    still: the first pass' result, kept outside the crop and for static regions.
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
    """Probabilities uint8 (regions, h, w) of the whole picture -> its labels, and each region's confidence."""
    best, sure = _cleaned(shares)
    return _enlarged(shares, np.unique(best), SIZE), _confidence(best, sure)


def _cleaned(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Region of each pixel and its probability, both uint8 (h, w). Strays become rest, in place in `shares`."""
    best, sure = largest(shares)
    strays = _strays(best)
    if strays.any():
        shares[:, strays] = 0
        shares[REST, strays] = SURE
        best[strays], sure[strays] = REST, SURE
    return best, sure


def _confidence(best: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(regions,) float32: mean probability over each region's pixels, 0 to 1; 0 for an absent region."""
    pixels = np.bincount(best.ravel(), minlength=len(NAMES))
    total = np.bincount(best.ravel(), sure.ravel(), minlength=len(NAMES))
    return (total / np.maximum(pixels, 1) / SURE).astype(np.float32)


def _enlarged(shares: np.ndarray, present: np.ndarray, side: int) -> np.ndarray:
    """Labels uint8 (side, side) from probabilities (regions, h, w) of the `present` regions."""
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
    """(h, w) bool: small components of regions that are connected in anatomy."""
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
