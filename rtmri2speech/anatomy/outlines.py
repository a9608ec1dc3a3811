"""Borders of regions as polygons, for the page, pictures and measurements."""

from collections.abc import Sequence

import cv2
import numpy as np

from .regions import NAMES, Regions, members

_FINER = 2  # borders are followed on a grid this much finer, after a little blur: they do not run in steps
_BLUR = 1.0  # px
_SMALLEST_PX = 6.0  # an outline around less is not drawn


def outlines(regions: Regions, frame: int, names: Sequence[str] = NAMES[1:]) -> dict[str, list[np.ndarray]]:
    """Region -> its outlines in this frame, each float32 (n, 2), (x, y) in the picture from 0 to 1; none if absent.

    A region in several pieces has several; holes are left out. names may hold groups, drawn around as one.
    """
    labels = regions.labels[frame]
    found = {}
    for name in names:
        wanted = [NAMES.index(member) for member in members(name)]
        mask = labels == wanted[0] if len(wanted) == 1 else np.isin(labels, wanted)
        found[name] = [points / len(labels) for points in outline(mask)]
    return found


def outline(mask: np.ndarray, tolerance: float = 0.25) -> list[np.ndarray]:
    """A mask (H, W) bool -> its outer borders, each float32 (n, 2), (x, y) in pixels from the picture's corner.

    tolerance: how far, in pixels, a point may lie off the polygon that stands for the border.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    top, left = max(rows[0] - 3, 0), max(columns[0] - 3, 0)
    part = mask[top : rows[-1] + 4, left : columns[-1] + 4].astype(np.uint8) * 255
    part = cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    fine = cv2.resize(cv2.GaussianBlur(part, (0, 0), _BLUR), None, fx=_FINER, fy=_FINER, interpolation=cv2.INTER_LINEAR)
    # Contours run through the middle of the outermost pixels: a threshold under one half makes up for half a pixel.
    borders, _ = cv2.findContours((fine >= 112).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    made = []
    for border in borders:
        if cv2.contourArea(border) < _SMALLEST_PX * _FINER**2:
            continue
        corners = cv2.approxPolyDP(border, tolerance * _FINER, True)[:, 0].astype(np.float32)
        if len(corners) >= 3:
            made.append((corners + 0.5) / _FINER + np.float32([left - 1, top - 1]))
    return made
