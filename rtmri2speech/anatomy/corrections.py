"""Manual corrections of regions: each function returns new Regions that record the change.

frames: interval (first, last), both included; None: all frames.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ..errors import InputError
from ..files import atomic_write
from .polygons import Region, mask
from .regions import NAMES, REST, SIZE, Correction, Regions, members

Stretch = tuple[int, int] | None


def taken_from(regions: Regions, source: int, frames: Stretch = None, name: str | None = None) -> Regions:
    """Copy the labels of frame `source` into `frames`: all regions, or only `name`.

    Pixels that the region leaves go to the nearest other region.
    """
    first, last = _stretch(regions, frames)
    if not 0 <= source < len(regions):
        raise InputError(
            "There is no frame {frame}: the clip has frames 0 to {last}.", frame=source, last=len(regions) - 1
        )
    labels, confidence = regions.labels.copy(), regions.confidence.copy()
    if name is None:
        labels[first : last + 1] = regions.labels[source]
        confidence[first : last + 1] = regions.confidence[source]
    else:
        new = np.isin(regions.labels[source], _indices(name))
        for t in range(first, last + 1):
            labels[t] = _without(labels[t], name)
            labels[t][new] = regions.labels[source][new]
    values = {"source": source, "frames": [first, last], "region": name}
    return _corrected(regions, labels, confidence, "taken_from", values)


def shifted(regions: Regions, dx: float, dy: float, frames: Stretch = None, name: str | None = None) -> Regions:
    """Shift labels right by dx and down by dy, in shares of the picture: all regions, or only `name`."""
    first, last = _stretch(regions, frames)
    if not (np.isfinite([dx, dy]).all() and abs(dx) <= 1 and abs(dy) <= 1):
        raise InputError("A shift is given in shares of the picture, from -1 to 1, not {dx} and {dy}.", dx=dx, dy=dy)
    motion = np.array([[1, 0, dx * SIZE], [0, 1, dy * SIZE]], np.float64)
    labels = regions.labels.copy()
    for t in range(first, last + 1):
        moved = cv2.warpAffine(regions.labels[t], motion, (SIZE, SIZE), flags=cv2.INTER_NEAREST, borderValue=REST)
        if name is None:
            labels[t] = moved
            continue
        labels[t] = _without(labels[t], name)
        inside = np.isin(moved, _indices(name))
        labels[t][inside] = moved[inside]
    values = {"dx": dx, "dy": dy, "frames": [first, last], "region": name}
    return _corrected(regions, labels, regions.confidence, "shifted", values)


def painted(regions: Regions, polygon: Sequence[tuple[float, float]], name: str, frames: Stretch = None) -> Regions:
    """Paint a polygon ((x, y), ...) as the region `name`; "rest" erases."""
    first, last = _stretch(regions, frames)
    if name not in NAMES:
        members(name)  # raises with the known names
        raise InputError("Paint one region at a time: {name!r} stands for several.", name=name)
    covered = mask(Region(name, tuple((float(x), float(y)) for x, y in polygon)), SIZE, SIZE) >= 0.5
    if not covered.any():
        raise InputError("What was painted lies outside the picture.")
    labels = regions.labels.copy()
    labels[first : last + 1, covered] = NAMES.index(name)
    confidence = regions.confidence.copy()
    confidence[first : last + 1, NAMES.index(name)] = 1.0
    outline = [[round(float(x), 4), round(float(y), 4)] for x, y in polygon]
    values = {"polygon": outline, "region": name, "frames": [first, last]}
    return _corrected(regions, labels, confidence, "painted", values)


def corrected(regions: Regions, corrections: Sequence[Correction]) -> Regions:
    """Apply corrections in turn."""
    for correction in corrections:
        values = dict(correction.values)
        name, frames = values.pop("region"), tuple(values.pop("frames"))
        regions = _KINDS[correction.what](regions, **values, name=name, frames=frames)
    return regions


def write_corrections(path: Path, corrections: Sequence[Correction]) -> None:
    """Write a JSON file for `read_corrections`."""
    with atomic_write(path) as temporary:
        text = json.dumps([{"what": c.what, **c.values} for c in corrections], indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """The corrections of a JSON file. Raises InputError if it holds anything else."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        made = tuple(Correction(entry.pop("what"), entry) for entry in entries)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError("{path} is not a file of corrected regions ({error}).", path=path, error=error) from None
    for correction in made:
        if correction.what not in _KINDS or correction.values.keys() != _VALUES[correction.what]:
            raise InputError("{path} is not a file of corrected regions ({error}).", path=path, error=correction.what)
    return made


_KINDS: dict[str, Callable[..., Regions]] = {"taken_from": taken_from, "shifted": shifted, "painted": painted}
_VALUES = {
    "taken_from": {"source", "frames", "region"},
    "shifted": {"dx", "dy", "frames", "region"},
    "painted": {"polygon", "frames", "region"},
}


def _corrected(regions: Regions, labels: np.ndarray, confidence: np.ndarray, what: str, values: dict) -> Regions:
    made = (*regions.corrections, Correction(what, values))
    return replace(regions, labels=labels, confidence=confidence, corrections=made)


def _stretch(regions: Regions, frames: Stretch) -> tuple[int, int]:
    first, last = (0, len(regions) - 1) if frames is None else frames
    if not 0 <= first <= last < len(regions):
        raise InputError(
            "There is no stretch from frame {first} to {last}: the clip has frames 0 to {end}.",
            first=first,
            last=last,
            end=len(regions) - 1,
        )
    return first, last


def _indices(name: str) -> list[int]:
    return [NAMES.index(member) for member in members(name)]


def _without(labels: np.ndarray, name: str) -> np.ndarray:
    """A label map (H, W) in which the region's pixels belong to the nearest other region."""
    gone = np.isin(labels, _indices(name))
    if not gone.any() or gone.all():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(gone.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_pixel = np.zeros(nearest.max() + 1, np.uint8)
    of_pixel[nearest[~gone]] = labels[~gone]
    return of_pixel[nearest]
