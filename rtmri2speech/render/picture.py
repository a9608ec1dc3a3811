"""One picture of a video at an exact size, with a legend below: a frame under heatmaps, the plain frame beside it, a
frame for each band, or the heatmaps alone."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .colour import Layer, blend, levels
from .fonts import drawable, font_file

LAYOUTS = ("overlay", "side-by-side", "bands", "heatmap")
PAPER, INK, FAINT = 24, 240, 150  # grays of the legend: background, text, secondary text
_SMALLEST_WITH_LEGEND = 128  # px; text would be illegible below
_COLD = 44  # gray under heatmaps without a frame, so that an empty picture is not black
_FINE_BITS = 4

Line = tuple[np.ndarray, tuple[int, int, int]]  # (n, 2) corners, (x, y) from 0 to 1 of the heatmap, and a colour


class Picture:
    """Draws frames of one geometry, with a legend whose scales are drawn once.

    size: (width, height) of the whole picture; aspect: width / height of the heatmaps; legend: label -> layer of each
    band; if a band is two-sided, each gets a panel of its own, as in the layout "bands". name: of the clip, at the
    right end of the caption where there is room. A picture with a side under 128 px has no legend.
    """

    def __init__(
        self,
        size: tuple[int, int],
        aspect: float,
        legend: dict[str, Layer],
        layout: str,
        combine: str,
        name: str = "",
    ):
        self.name = name
        self.aspect, self.layers, self.layout, self.combine = aspect, list(legend.values()), layout, combine
        width, height = size
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._points, self._row = 0, 0
        strip = 0
        if min(size) >= _SMALLEST_WITH_LEGEND:
            points = points_of(size)
            self._row = round(points * 1.45)
            self._points = points
            scales = _scales(width, self._row, points, legend)
            strip = len(scales) + self._row
            self._canvas[-strip:] = PAPER
            self._canvas[-strip : -self._row] = scales
        self._apart = layout == "bands" or apart([layer.signed for layer in self.layers])
        panels = panels_of(layout, [layer.signed for layer in self.layers])
        self._panels = [_fitted(i * width // panels, width // panels, height - strip, aspect) for i in range(panels)]

    def draw(self, frame: np.ndarray, heats: list[np.ndarray], caption: str, lines: Sequence[Line] = ()) -> np.ndarray:
        """frame (h, w) uint8, one heatmap (h', w') in [0, 1] per band -> a new (height, width, 3) uint8 RGB.

        lines: closed lines over every panel.
        """
        picture = self._canvas.copy()
        left, top, width, height = self._panels[0]
        gray = _resized(padded_to(frame, self.aspect), width, height)
        heat_levels = [_resized(levels(heat), width, height) for heat in heats]
        under = np.full_like(gray, _COLD) if self.layout == "heatmap" else gray
        groups = [slice(k, k + 1) for k in range(len(heats))] if self._apart else [slice(None)]
        shown = [blend(under, heat_levels[some], self.layers[some], self.combine) for some in groups]
        if self.layout == "side-by-side":
            shown = [cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), *shown]
        for (left, top, width, height), panel in zip(self._panels, shown, strict=True):
            picture[top : top + height, left : left + width] = panel
        return self._finished(picture, caption, lines)

    def _finished(self, picture: np.ndarray, caption: str, lines: Sequence[Line]) -> np.ndarray:
        for left, top, width, height in self._panels if lines else ():
            panel = np.ascontiguousarray(picture[top : top + height, left : left + width])
            for corners, colour in lines:
                pixels = np.rint((corners * (width, height) - 0.5) * 2**_FINE_BITS).astype(np.int32)
                cv2.polylines(panel, [pixels], True, colour, max(1, height // 400), cv2.LINE_AA, _FINE_BITS)
            picture[top : top + height, left : left + width] = panel
        if self._row:
            picture[-self._row :] = self._caption(picture.shape[1], caption)
        return picture

    def _caption(self, width: int, text: str) -> np.ndarray:
        line = Image.new("L", (width, self._row), PAPER)
        text, name = drawable(text), drawable(self.name)
        font = letters(text, self._points)
        draw, margin, middle = ImageDraw.Draw(line), self._row // 3, self._row // 2
        draw.text((margin, middle), text, INK, font, anchor="lm")
        name_font = letters(name, self._points)
        if font.getlength(text) + name_font.getlength(name) + 5 * margin <= width:
            draw.text((width - margin, middle), name, FAINT, name_font, anchor="rm")
        return np.asarray(line)[..., None]


def points_of(size: tuple[int, int]) -> int:
    """Font size for a picture: 12 px at 256 px, 17 at 512, 28 at 1080."""
    return round(12 + (min(size) - 256) * 0.02)


def apart(signed: Sequence[bool]) -> bool:
    """Whether each band needs a panel, as one is two-sided and its colours would be ambiguous."""
    return len(signed) > 1 and any(signed)


def panels_of(layout: str, signed: Sequence[bool]) -> int:
    """Number of panels side by side. signed: for each band, whether it is two-sided."""
    hot = len(signed) if layout == "bands" or apart(signed) else 1
    return hot + (layout == "side-by-side")


def padded_to(frame: np.ndarray, aspect: float) -> np.ndarray:
    """frame (h, w) padded with black evenly on two sides to the aspect width / height; unchanged within a pixel."""
    height, width = frame.shape
    across, down = round(height * aspect) - width, round(width / aspect) - height
    if across > 1:
        return np.pad(frame, ((0, 0), (across // 2, across - across // 2)))
    if down > 1:
        return np.pad(frame, ((down // 2, down - down // 2), (0, 0)))
    return frame


def _fitted(left: int, width: int, height: int, aspect: float) -> tuple[int, int, int, int]:
    """(left, top, width, height) of the largest rectangle of this aspect, centred in a panel at the picture's top."""
    fitted_width = max(1, min(width, round(height * aspect)))
    fitted_height = max(1, min(height, round(width / aspect)))
    return left + (width - fitted_width) // 2, (height - fitted_height) // 2, fitted_width, fitted_height


def _resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if image.shape == (height, width):
        return image
    method = cv2.INTER_AREA if width < image.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=method)


def _scales(width: int, row: int, points: int, legend: dict[str, Layer]) -> np.ndarray:
    """(rows, width, 3) uint8: for each band a line with its label and its colour scale from 0 to 1."""
    image = Image.new("RGB", (width, row * len(legend) + row // 4), (PAPER,) * 3)
    draw = ImageDraw.Draw(image)
    margin, room = row // 3, width * 0.62
    legend = {drawable(label): layer for label, layer in legend.items()}
    labels = list(legend)
    while points > 8 and max(letters(label, points).getlength(label) for label in labels) > room:
        points -= 1
    digits = letters("", max(8, round(points * 0.85)))
    ends = {label: ("−1", "+1") if layer.signed else ("0", "1") for label, layer in legend.items()}
    digit = max(digits.getlength(end) for pair in ends.values() for end in pair) + margin
    left = margin + max(letters(label, points).getlength(label) for label in labels) + margin + digit
    right = max(left + 8, min(width - digit, left + 14 * points))
    for i, (label, layer) in enumerate(legend.items()):
        top = row // 4 + i * row
        middle = top + row // 2
        draw.text((margin, middle), label, (INK,) * 3, letters(label, points), anchor="lm")
        draw.text((left - margin // 2, middle), ends[label][0], (FAINT,) * 3, digits, anchor="rm")
        draw.text((right + margin // 2, middle), ends[label][1], (FAINT,) * 3, digits, anchor="lm")
        bar = layer.over(PAPER)[np.linspace(0, 255, round(right - left)).astype(int)]
        thick = row // 2
        image.paste(Image.fromarray(np.repeat(bar[None], thick, axis=0)), (round(left), middle - thick // 2))
    return np.asarray(image)


def letters(text: str, points: int) -> ImageFont.FreeTypeFont:
    return _opened(str(font_file(text)), points)


@lru_cache(maxsize=32)
def _opened(file: str, points: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, points)
