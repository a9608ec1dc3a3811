"""Tracks under the picture of a video: the clip's labels and its spectrogram, with a cursor at the picture's time."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from ..labels.textgrid import Interval
from ..spec import Band
from .colour import colour_table
from .fonts import drawable
from .picture import FAINT, INK, PAPER, letters, points_of

LONGEST_S = 6.0  # longest interval in one view; a longer one is shown page by page
RANGE_DB = 60.0
_TABLE = "inferno"
_CURSOR = (255, 60, 80)
_HERE = (70, 78, 88)
_TICK_POINTS = 0.8
_SHARE = 0.22  # height of the spectrogram, of the picture's


class Tracks:
    """Draws the strip under the frames of an interval.

    size: (width, height) of the picture above, px. fps: frames per second. first, count: frames of the interval.
    mel_db: (count, n_mels) dB; None: no spectrogram; mel_hz: its bins' centres. bands: lines at their limits, in their
    colours; tracked_hz: formant-tracking band -> (count,) Hz, NaN where not measured. intervals: labels (from_s, to_s,
    text) in the clip's time; None: no labels. The strip's height is even, as H.264 needs.
    """

    def __init__(
        self,
        size: tuple[int, int],
        fps: float,
        first: int,
        count: int,
        mel_db: np.ndarray | None,
        mel_hz: np.ndarray,
        bands: Sequence[tuple[Band, str]],
        intervals: Sequence[Interval] | None,
        tracked_hz: Mapping[str, np.ndarray] | None = None,
    ):
        width, picture_height = size
        self._fps, self._first, self._count = fps, first, count
        self._points = points_of(size)
        self._left = round(4.4 * self._points)
        self._plot = max(1, width - self._left - self._points // 2)
        self._rows = round(1.6 * self._points) if intervals is not None else 0
        self._high = round(picture_height * _SHARE) if mel_db is not None else 0
        height = self._rows + self._high + round(0.5 * self._points)
        self.height = height + height % 2
        self._width, self._mel_hz, self._bands = width, mel_hz, bands
        self._followed_hz = tracked_hz or {}
        self._intervals = [one for one in intervals or () if one[2].strip()]
        self._mel_db = mel_db
        pages = max(1, int(np.ceil(count / fps / LONGEST_S - 1e-9)))
        self._per_page = int(np.ceil(count / pages))
        self._drawn: tuple[int, np.ndarray] | None = None

    def draw(self, frame: int) -> np.ndarray:
        """(height, width, 3) uint8 RGB, with the cursor at the midpoint of this frame of the clip."""
        page = (frame - self._first) // self._per_page
        if self._drawn is None or self._drawn[0] != page:
            self._drawn = page, self._page(page)
        image = Image.fromarray(self._drawn[1])
        draw = ImageDraw.Draw(image)
        middle_s = (frame + 0.5) / self._fps
        self._say_labels(draw, page, middle_s)
        x = self._x(middle_s, page)
        draw.line([(x, 0), (x, self._rows + self._high)], _CURSOR, max(2, self._points // 7))
        return np.asarray(image)

    def _span(self, page: int) -> tuple[int, int]:
        """(first, stop) frames of a page."""
        start = self._first + page * self._per_page
        return start, min(start + self._per_page, self._first + self._count)

    def _x(self, seconds: float, page: int) -> float:
        start, stop = self._span(page)
        return self._left + (seconds * self._fps - start) / (stop - start) * self._plot

    def _page(self, page: int) -> np.ndarray:
        """The page without labels and cursor."""
        picture = np.full((self.height, self._width, 3), PAPER, np.uint8)
        if self._mel_db is None:
            return picture
        start, stop = self._span(page)
        shown = self._mel_db[start - self._first : stop - self._first]
        levels = np.clip((shown - self._mel_db.max()) / RANGE_DB + 1, 0, 1)
        coloured = colour_table(_TABLE)[np.round(levels.T[::-1] * 255).astype(np.uint8)]
        top = self._rows
        size = self._plot, self._high
        picture[top : top + self._high, self._left : self._left + self._plot] = cv2.resize(
            coloured, size, interpolation=cv2.INTER_NEAREST
        )
        image = Image.fromarray(picture)
        self._mark_bands(ImageDraw.Draw(image), page)
        return np.asarray(image)

    def _mark_bands(self, draw: ImageDraw.ImageDraw, page: int) -> None:
        """A line at each limit of a band, in its colour, with its frequency at the left; for a formant-tracking band
        around its formant. Bands of the whole spectrum have no limits."""
        points = max(8, round(self._points * _TICK_POINTS))
        said: list[float] = []
        for band, colour in self._bands:
            if band.name in self._followed_hz:
                self._mark_followed(draw, page, band, colour)
            if band.of is not None:
                continue
            for edge in (band.low_hz, band.high_hz):
                y = self._y(edge)
                draw.line([(self._left, y), (self._left + self._plot, y)], colour, 1)
                if all(abs(y - other) >= points for other in said):
                    text = f"{edge / 1000:g} kHz"
                    where = (
                        self._left - self._points // 3,
                        min(max(y, self._rows + points / 2), self.height - points / 2),
                    )
                    draw.text(where, text, (FAINT,) * 3, letters(text, points), anchor="rm")
                    said.append(y)

    def _mark_followed(self, draw: ImageDraw.ImageDraw, page: int, band: Band, colour: str) -> None:
        for frame in range(*self._span(page)):
            hz = self._followed_hz[band.name][frame - self._first]
            for edge in () if np.isnan(hz) else (hz - (band.width_hz or 0), hz + (band.width_hz or 0)):
                left, right = (self._x(side / self._fps, page) for side in (frame, frame + 1))
                draw.line([(left, self._y(edge)), (right, self._y(edge))], colour, 1)

    def _y(self, hz: float) -> float:
        """Distance from the top of the strip; the mel's bins are evenly spaced, the lowest at the bottom."""
        bins = len(self._mel_hz)
        place = np.interp(hz, self._mel_hz, np.arange(bins)) + 0.5
        return self._rows + self._high * (1 - float(place) / bins)

    def _say_labels(self, draw: ImageDraw.ImageDraw, page: int, now_s: float) -> None:
        """Draw the page's labels, the current one on a lighter background."""
        start, stop = self._span(page)
        for from_s, to_s, text in self._intervals if self._rows else ():
            if to_s * self._fps <= start or from_s * self._fps >= stop:
                continue
            left = max(self._x(from_s, page), self._left)
            right = min(self._x(to_s, page), self._left + self._plot)
            here = from_s <= now_s < to_s
            if here:
                draw.rectangle([left, 1, right, self._rows - 2], _HERE)
            draw.line([(left, 1), (left, self._rows - 2)], (FAINT,) * 3, 1)
            text = drawable(text)
            font = letters(text, self._points)
            if here or font.getlength(text) <= right - left - 2:
                ink = (INK,) * 3 if here else (FAINT,) * 3
                draw.text(((left + right) / 2, self._rows / 2), text, ink, font, anchor="mm")
