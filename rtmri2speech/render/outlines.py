"""Outlines of regions over pictures, in the page's colours."""

from collections.abc import Iterator

import cv2
import numpy as np

from ..anatomy.outlines import outlines
from ..anatomy.regions import Regions
from .colour import REGION_COLOURS, rgb
from .picture import Line

_FINE_BITS = 4


def region_lines(regions: Regions, frame: int) -> list[Line]:
    """The outlines of a frame's regions, for Picture."""
    found = outlines(regions, frame, tuple(REGION_COLOURS))
    return [(points, rgb(REGION_COLOURS[name])) for name, pieces in found.items() for points in pieces]


def outlined_frames(frames: np.ndarray, regions: Regions, side: int = 512) -> Iterator[np.ndarray]:
    """uint8 frames (T, H, W) -> RGB pictures (h, w, 3), the longer side `side` pixels, with the regions' outlines."""
    height, width = frames.shape[1:]
    scale = side / max(height, width)
    size = round(width * scale), round(height * scale)
    for t, frame in enumerate(frames):
        enlarged = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
        yield draw_outlines(cv2.cvtColor(enlarged, cv2.COLOR_GRAY2RGB), regions, t)


def draw_outlines(picture: np.ndarray, regions: Regions, frame: int) -> np.ndarray:
    """RGB (h, w, 3), the clip's whole frame at any size, with the outlines drawn on it."""
    scale = max(picture.shape[:2]) / max(regions.shape)
    for polygon, colour in region_lines(regions, frame):
        corners = np.rint((regions.to_clip(polygon) * scale - 0.5) * 2**_FINE_BITS).astype(np.int32)
        cv2.polylines(picture, [corners], True, colour, 1, cv2.LINE_AA, _FINE_BITS)
    return picture


def outlined(frame: np.ndarray, region_mask: np.ndarray, side: int) -> np.ndarray:
    """A picture (H, W) uint8 with the border of a mask (H, W) drawn on it: RGB, `side` pixels on the longer side."""
    scale = side / max(frame.shape)
    size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
    picture = cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB)
    covered = (cv2.resize(region_mask, size, interpolation=cv2.INTER_LINEAR) >= 0.5).astype(np.uint8)
    borders, _ = cv2.findContours(covered, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    # yellow on black: visible on dark and bright tissue, with any colour blindness
    for colour, thickness in (((0, 0, 0), 4), ((255, 225, 60), 2)):
        cv2.drawContours(picture, borders, -1, colour, thickness, cv2.LINE_AA)
    return picture
