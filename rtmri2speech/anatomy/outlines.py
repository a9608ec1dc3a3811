"""Outlines of regions as polygons, for the page, pictures and measurements."""

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from contourpy import FillType, LineType, SerialContourGenerator, ZInterp

from .regions import NAMES, Regions, members

_BLUR = 0.7  # px, against staircase borders
_ROUGH_BLUR = {"larynx": 3.0}  # whose border the segmenter does not see sharply
_SMALLEST_PX = 6.0  # smallest area of an outline, px


def outlines(regions: Regions, frame: int, names: Sequence[str] = NAMES[1:]) -> dict[str, list[np.ndarray]]:
    """Region -> its outlines in a frame, float32 (n, 2) each, (x, y) in the picture from 0 to 1; none if absent.

    Each connected part has an outline; holes are left out. A group among `names` is outlined as one region.
    """
    labels = regions.labels[frame]
    found = {}
    for name in names:
        wanted = [NAMES.index(member) for member in members(name)]
        mask = labels == wanted[0] if len(wanted) == 1 else np.isin(labels, wanted)
        blur = _ROUGH_BLUR.get(name, _BLUR)
        found[name] = [points / len(labels) for points in outline(mask, blur=blur)]
    return found


def _lines(level: np.ndarray) -> list[np.ndarray]:
    """The contour lines at 0.5, (n, 2) each, in pixels. contourpy.contour_generator would check for finite values,
    which takes longer than the contours."""
    down, across = np.mgrid[0 : level.shape[0], 0 : level.shape[1]].astype(float)
    made = SerialContourGenerator(
        across,
        down,
        level.astype(float),
        cast(np.ndarray, np.ma.nomask),
        corner_mask=False,
        line_type=LineType.Separate,  # arrays (n, 2) one by one
        fill_type=FillType.OuterCode,
        quad_as_tri=False,
        z_interp=ZInterp.Linear,
    )
    return cast(list[np.ndarray], made.lines(0.5))


def outline(mask: np.ndarray, tolerance: float = 0.25, blur: float = _BLUR) -> list[np.ndarray]:
    """A mask (H, W) bool -> its outer borders, float32 (n, 2) each, (x, y) in pixels from the picture's corner.

    tolerance: largest distance, in pixels, of the border from its polygon; 0 keeps all points, at most a pixel apart.
    blur: deviation of the mask's smoothing, pixels.
    """
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return []
    margin = max(3, round(3 * blur))
    top, left = max(y - margin, 0), max(x - margin, 0)
    part = mask[top : y + height + margin, left : x + width + margin].astype(np.float32)
    # Padded with zeros, so that the picture's edge is a border, too.
    level = cv2.copyMakeBorder(cv2.GaussianBlur(part, (0, 0), blur), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    made = []
    for line in _lines(level):
        border: np.ndarray = line[:-1].astype(np.float32)  # closed: the last point is the first
        if cv2.contourArea(border, oriented=True) < _SMALLEST_PX:  # negative for a hole
            continue
        if tolerance:
            border = cv2.approxPolyDP(border[:, None], tolerance, True)[:, 0]
        made.append(border + np.array([left - 0.5, top - 0.5], np.float32))
    return made
