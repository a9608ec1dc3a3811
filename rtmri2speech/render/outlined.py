"""A clip with the outlines of its regions."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ..anatomy.outlines import outlines
from ..anatomy.regions import NAMES, Regions
from .colour import rgb

# One colour for each region: neighbours differ in lightness as well as in hue.
COLOURS = {
    "tongue": "#ff4d4d", "lower_lip": "#ffa31a", "upper_lip": "#ffe14d", "velum": "#4dff6a", "jaw": "#2ee6e6",
    "hard_palate": "#3399ff", "pharynx_wall": "#7d7dff", "larynx": "#ff66ff", "airway": "#d9d9d9", "brain": "#a366a3",
    "spine": "#5f9e9e",
}  # fmt: skip
_FINE_BITS = 4


def outlined_frames(
    frames: np.ndarray, regions: Regions, side: int = 512, names: Sequence[str] = NAMES[1:]
) -> Iterator[np.ndarray]:
    """uint8 frames (T, H, W) -> RGB pictures (h, w, 3), the longer side `side` pixels, with the regions' outlines."""
    height, width = frames.shape[1:]
    scale = side / max(height, width)
    size = round(width * scale), round(height * scale)
    for t, frame in enumerate(frames):
        enlarged = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
        yield draw_outlines(cv2.cvtColor(enlarged, cv2.COLOR_GRAY2RGB), regions, t, names)


def draw_outlines(picture: np.ndarray, regions: Regions, frame: int, names: Sequence[str] = NAMES[1:]) -> np.ndarray:
    """RGB (h, w, 3), the clip's whole frame at any size, with the outlines drawn into it."""
    scale = max(picture.shape[:2]) / max(regions.shape)
    for name, polygons in outlines(regions, frame, names).items():
        colour = rgb(COLOURS[name])
        for polygon in polygons:
            corners = np.rint((regions.to_clip(polygon) * scale - 0.5) * 2**_FINE_BITS).astype(np.int32)
            cv2.polylines(picture, [corners], True, colour, 1, cv2.LINE_AA, _FINE_BITS)
    return picture
