"""The window of the vocal tract: regions of a clip -> the TractView of a model that sees the tract only.

The tract's solid regions are joined over the clip, the air between them is closed, and the result is widened by a few
millimetres. The window is turned so that two lines have the directions that they have in an upright head.
"""

import cv2
import numpy as np

from ..clips.frame_view import TractView
from ..errors import InputError
from ..progress import UNSEEN, Progress
from .regions import GROUPS, NAMES, Regions
from .segmenter import segment_regions

_SOLID = [NAMES.index(name) for name in GROUPS["tract"] if name != "airway"]
_OFTEN = 0.05  # of the frames: a region seen less often at a pixel is an error
# In shares of the longer side of the tract's box, some 110 mm: the air closed, and the margin.
_CLOSED, _WIDENED = 0.1, 0.05
_BOX = 1.04  # side of the window, relative to the widened region's box
# (from, to, degrees below the horizontal of the line between their centroids), mean over upright phantom heads
_UPRIGHT = (("upper_lip", "pharynx_wall", 13.6), ("velum", "larynx", 86.8))
_LOOKED_AT = 32  # frames segmented, spread over the clip
_APART = 1e-3  # frames/s: frames that are not smoothed over time


def tract_view(regions: Regions) -> TractView:
    """The view of the tract in all these frames. Raises InputError where the regions show no vocal tract."""
    if regions.verdict.kind == "turned":
        raise InputError("No vocal tract was found: the head is not upright. Turn the clip first.")
    if not regions.verdict.usable:
        raise InputError("No vocal tract was found: the picture does not show a head in profile.")
    return window_of(regions.labels, mirrored=regions.facing == "right")


def tract_view_of_frames(frames: np.ndarray, progress: Progress = UNSEEN) -> TractView:
    """The view of the tract in a clip, uint8 (T, H, W), by the segmenter on frames spread over it.

    Raises InputError where no vocal tract is found.
    """
    some = frames[np.unique(np.linspace(0, len(frames) - 1, _LOOKED_AT).round().astype(int))]
    return tract_view(segment_regions(some, _APART, progress=progress))


def window_of(labels: np.ndarray, mirrored: bool = False, table: np.ndarray | None = None) -> TractView:
    """Labels (T, S, S), indices into NAMES -> the view. mirrored: the face looks right. table: (256,), applied to the
    labels first. Raises InputError where there is no tract."""
    named = labels if table is None else table[labels]
    shares = {name: (named == NAMES.index(name)).mean(axis=0) for pair in _UPRIGHT for name in pair[:2]}
    tract = np.isin(named, _SOLID).mean(axis=0) > _OFTEN
    region = _joined(tract)
    return TractView(region, _window(region, _tilt(shares, mirrored), mirrored))


def _joined(tract: np.ndarray) -> np.ndarray:
    """bool (S, S): the largest connected part with its air and margin. Raises InputError where it is empty."""
    part = _largest(tract)
    if not part.any():
        raise InputError("No vocal tract was found: the regions show none.")
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    side = max(np.ptp(rows), np.ptp(columns)) + 1
    near = _grown(part, round(0.5 * _CLOSED * side)) & tract | part  # small gaps between regions
    around = round(side)
    padded = np.pad(near, around)
    closed = ~_grown(~_grown(padded, round(_CLOSED * side)), round(_CLOSED * side))
    return _grown(closed, round(_WIDENED * side))[around:-around, around:-around]


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """The mask with all within so many pixels."""
    if pixels < 1 or not mask.any():
        return mask
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= pixels


def _largest(mask: np.ndarray) -> np.ndarray:
    count, parts, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return parts == 1 + np.argmax(figures[1:, cv2.CC_STAT_AREA]) if count > 1 else np.zeros_like(mask)


def _tilt(shares: dict[str, np.ndarray], mirrored: bool) -> float:
    """Degrees by which the head is turned clockwise on the picture, of a face to the left."""
    found = []
    for first, last, upright in _UPRIGHT:
        if shares[first].any() and shares[last].any():
            across, down = _centroid(shares[last]) - _centroid(shares[first])
            found.append(np.degrees(np.arctan2(down, -across if mirrored else across)) - upright)
    return float(np.clip(np.mean(found), -45, 45)) if found else 0.0


def _centroid(share: np.ndarray) -> np.ndarray:
    rows, columns = np.indices(share.shape)
    return np.array([(share * columns).sum(), (share * rows).sum()]) / share.sum()


def _window(region: np.ndarray, tilt_deg: float, mirrored: bool) -> np.ndarray:
    """(2, 3): from the window's coordinates to the picture's, both from 0 to 1."""
    rows, columns = np.nonzero(region)
    points = np.stack([columns + 0.5, rows + 0.5]) / len(region)
    angle = np.radians(tilt_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    axes = np.diag([-1.0, 1.0]) @ turn if mirrored else turn  # columns: the window's x and y on the picture
    upright = axes.T @ points
    low, high = upright.min(axis=1), upright.max(axis=1)
    side, middle = _BOX * float((high - low).max()), (low + high) / 2
    return np.column_stack([side * axes, axes @ (middle - side / 2)])
