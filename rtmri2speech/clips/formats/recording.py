"""Recording, the result of every reader: frames, times, sound and metadata."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError

SMALLEST_SIDE = 16
HIGHEST_FPS = 1000.0


@dataclass(frozen=True)
class ClipLimits:
    """Limits of read_clip: sides in pixels, bytes of decoded 8-bit frames."""

    longest_s: float = 600.0
    most_frames: int = 20_000
    largest_side: int = 2048
    most_bytes: int = 2**30


@dataclass(frozen=True)
class Recording:
    """frames: uint8 (T, H, W). times_s: (T + 1,). audio: mono float32 (samples,) at audio_rate Hz, or None.

    details: codec, pixel_format and the like, never personal data. pixel_mm: side of a square pixel, None where
    unknown. notes: warnings about the file.
    """

    frames: np.ndarray
    times_s: np.ndarray
    details: dict = field(default_factory=dict)
    audio: np.ndarray | None = None
    audio_rate: int | None = None
    pixel_mm: float | None = None
    notes: tuple[InputError, ...] = ()


def even_times(count: int, fps: float) -> np.ndarray:
    """(count + 1,) s: start of each frame, and the end of the last."""
    return np.arange(count + 1) / fps


def checked_rate(value: object, path: Path) -> float:
    """A file's frame rate from a scalar or an array of one number. Raises InputError if it is not a valid rate."""
    number = np.asarray(value)
    fps = float(number.ravel()[0]) if number.size == 1 and number.dtype.kind in "buif" else np.nan
    if not 0 < fps <= HIGHEST_FPS:
        told = f"{fps:g}" if number.size == 1 else f"{number.size} numbers"
        raise InputError(
            "{path} says that its frame rate is {told}: on the command line, give the true one with --fps.",
            path=path,
            told=told,
        )
    return fps


def square_pixel(width_mm: float, height_mm: float) -> float | None:
    """Side of a pixel after gray.squared; None where unknown."""
    known = np.isfinite([width_mm, height_mm]).all() and min(width_mm, height_mm) > 0
    return round(float(min(width_mm, height_mm)), 4) if known else None


def no_rate(path: Path) -> InputError:
    return InputError("{path} does not tell its frame rate: on the command line, give it with --fps.", path=path)
