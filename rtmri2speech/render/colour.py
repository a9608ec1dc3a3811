"""Colours: a heatmap becomes RGB by a 256-entry table, with opacity that grows with its value over a gray frame.

Default maps are perceptually uniform in lightness. "jet", which is not, is available on request.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..errors import InputError

ONE_BAND_MAP = "inferno"
# Orange and sky blue of Okabe & Ito (2008): distinct with any common colour blindness, and equally light.
TWO_BAND_MAPS = ("orange", "blue")
# The third and fourth are distinct from these and from gray, found by search: tests/render/test_colour.py checks the
# distances for each colour blindness.
BAND_MAPS = (*TWO_BAND_MAPS, "violet", "ivory")
DIVERGING_MAP = "berlin"
SIGNED = "signed"  # DIVERGING_MAP for signed values in [0, 1] with zero at 0.5
_HUES = {"orange": (255, 164, 32), "blue": (86, 190, 245), "violet": (153, 0, 255), "ivory": (255, 255, 204)}
# The same hues for lines and text, contrast at least 4.5 : 1 on a light and a dark page (WCAG 2.2, 1.4.3).
_ON_LIGHT = {"orange": "#a85a00", "blue": "#1273ad", "violet": "#7d1fd6", "ivory": "#67624a"}
_ON_DARK = {"orange": "#ffa420", "blue": "#56bef5", "violet": "#bd78ff", "ivory": "#ffffcc"}
LINE_COLOURS = {
    "light": tuple(_ON_LIGHT[name] for name in BAND_MAPS),
    "dark": tuple(_ON_DARK[name] for name in BAND_MAPS),
}
COMBINE = ("max", "mean")
# Outlines of regions over gray and heatmaps, distinct from the bands' orange and blue; spine and brain are muted.
REGION_COLOURS = {
    "lips": "#ffe04d", "tongue": "#ff6b6b", "velum": "#7ee787", "jaw": "#2dd4bf", "hard_palate": "#a5d8ff",
    "pharynx_wall": "#8ea2ff", "larynx": "#ff7be0", "airway": "#ffffff", "brain": "#b98ae6", "spine": "#93a1ad",
}  # fmt: skip


@lru_cache
def colour_table(name: str) -> np.ndarray:
    """(256, 3) uint8 RGB table of "orange", "blue" or any matplotlib colour map. Raises InputError if unknown."""
    if name in _HUES:
        table = _even_ramp(_HUES[name])
    elif name == SIGNED:
        table = colour_table(DIVERGING_MAP)
    else:
        import matplotlib

        if name not in matplotlib.colormaps:
            raise InputError(
                "There is no colour map called {name!r}: use orange, blue or a name of matplotlib, such as inferno.",
                name=name,
            )
        table = np.round(matplotlib.colormaps[name](np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8)
    table.flags.writeable = False
    return table


def _even_ramp(rgb: tuple[int, int, int]) -> np.ndarray:
    """(256, 3) uint8 from a dark shade of `rgb` to `rgb`, in equal steps of CIELAB."""
    end = cv2.cvtColor(np.array([[rgb]], np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0]
    lab = np.linspace(0.35, 1, 256, dtype=np.float32)[:, None] * end
    return np.round(cv2.cvtColor(lab[None], cv2.COLOR_Lab2RGB)[0].clip(0, 1) * 255).astype(np.uint8)


def rgb(colour: str) -> tuple[int, int, int]:
    """ "#ff4d4d" -> (255, 77, 77)."""
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return red, green, blue


def default_maps(bands: int) -> tuple[str, ...]:
    """The colour map of each of one to four bands."""
    return (ONE_BAND_MAP,) if bands == 1 else BAND_MAPS[:bands]


def levels(heat: np.ndarray) -> np.ndarray:
    """Heatmap values in [0, 1], any shape -> uint8 table indices."""
    rows = np.asarray(heat, dtype=np.float32).reshape(len(heat), -1)
    return cv2.convertScaleAbs(rows, alpha=255).reshape(heat.shape)


def signed_levels(cam: np.ndarray, limit: float) -> np.ndarray:
    """Signed CAM -> uint8 table indices: -limit is 0, zero is the middle, +limit is 255; clipped beyond."""
    return np.round((np.clip(cam / limit, -1, 1) + 1) * 127.5).astype(np.uint8)


def colour(heat: np.ndarray, name: str = ONE_BAND_MAP) -> np.ndarray:
    """Heatmaps (T, H, W) or (H, W) in [0, 1] -> uint8 RGB (..., 3), without a frame."""
    return colour_table(name)[levels(heat)]


@dataclass(frozen=True)
class Layer:
    """Colour map with opacity as lookup tables by level: picture = gray * keep / 255 + paint."""

    paint: np.ndarray  # (256, 3) uint8, colour times opacity
    keep: np.ndarray  # (256,) uint8, transparency, of 255
    strength: np.ndarray  # (256,) uint8, magnitude by which bands are compared
    signed: bool = False

    def over(self, gray: int) -> np.ndarray:
        """(256, 3) uint8: each level over one gray, for legends."""
        return np.round(gray * (self.keep[:, None] / 255.0) + self.paint).clip(0, 255).astype(np.uint8)


def layer(name: str, alpha: float) -> Layer:
    """Layer with opacity from 0 at the lowest level to `alpha` at the highest; for SIGNED, towards either end."""
    if name == SIGNED:
        return diverging_layer(DIVERGING_MAP, alpha)
    return _layer(name, alpha, np.linspace(0, 1, 256))


def diverging_layer(name: str, alpha: float) -> Layer:
    """Layer for `signed_levels`: opacity from 0 in the middle to `alpha` at either end."""
    # 127.5 is not a level: 127 and 128 both stand for zero.
    return _layer(name, alpha, np.abs(np.linspace(-1, 1, 256)) - 1 / 255, signed=True)


def _layer(name: str, alpha: float, strength: np.ndarray, signed: bool = False) -> Layer:
    if not 0 <= alpha <= 1:
        raise InputError("The opacity alpha must be from 0 to 1, not {given:g}.", given=alpha)
    # Concave, as medium values, dark and transparent, would hardly be visible.
    opacity = alpha * (1 - (1 - strength) ** 2)
    return Layer(
        paint=np.round(colour_table(name) * opacity[:, None]).astype(np.uint8),
        keep=np.round(255 * (1 - opacity)).astype(np.uint8),
        strength=np.round(255 * strength).astype(np.uint8),
        signed=signed,
    )


def blend(gray: np.ndarray, heat_levels: list[np.ndarray], layers: list[Layer], combine: str = "max") -> np.ndarray:
    """Heatmaps over a gray frame.

    gray (H, W) uint8; heat_levels: one (H, W) uint8 from `levels` for each band; layers: as many. -> (H, W, 3) uint8
    RGB. combine, for several: "max" shows the strongest band of each pixel, "mean" mixes all evenly.
    """
    # OpenCV is several times faster than NumPy here.
    paints = [cv2.applyColorMap(level, one.paint[:, None]) for one, level in zip(layers, heat_levels, strict=True)]
    keeps = [cv2.LUT(level, one.keep) for one, level in zip(layers, heat_levels, strict=True)]
    strengths = [cv2.LUT(level, one.strength) for one, level in zip(layers, heat_levels, strict=True)]
    paint, keep, hottest = paints[0], keeps[0], strengths[0]
    for number in range(1, len(layers)):
        if combine == "max":
            hotter = cv2.compare(strengths[number], hottest, cv2.CMP_GT)
            cv2.copyTo(paints[number], hotter, paint)
            cv2.copyTo(keeps[number], hotter, keep)
            hottest = cv2.max(hottest, strengths[number])
        else:
            share = 1 / (number + 1)
            paint = cv2.addWeighted(paint, 1 - share, paints[number], share, 0)
            keep = cv2.addWeighted(keep, 1 - share, keeps[number], share, 0)
    return cv2.add(cv2.cvtColor(cv2.multiply(gray, keep, scale=1 / 255), cv2.COLOR_GRAY2RGB), paint)
