"""What every reader gives: frames with their times, and what else the file knows."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...errors import InputError

SMALLEST_SIDE = 16


@dataclass(frozen=True)
class ClipLimits:
    """What read_clip refuses to read on. Sides in pixels, bytes of decoded 8-bit frames."""

    longest_s: float = 600.0
    most_frames: int = 20_000
    largest_side: int = 2048
    most_bytes: int = 2**30


@dataclass(frozen=True)
class Recording:
    """frames: uint8 (T, H, W). times_s: (T + 1,). audio: mono float32 (samples,) at audio_rate Hz, or None.

    details: codec, pixel_format and the like, never anything that names a person. pixel_mm: side of a square pixel,
    None where the file does not tell or pixels are not square.
    """

    frames: np.ndarray
    times_s: np.ndarray
    details: dict = field(default_factory=dict)
    audio: np.ndarray | None = None
    audio_rate: int | None = None
    pixel_mm: float | None = None


def even_times(count: int, fps: float) -> np.ndarray:
    """(count + 1,) s: where each frame begins, and the end of the last."""
    return np.arange(count + 1) / fps


def square_pixel(width_mm: float, height_mm: float) -> float | None:
    """The side of a pixel; None where it is unknown or not square to within 1 %."""
    known = np.isfinite([width_mm, height_mm]).all() and min(width_mm, height_mm) > 0
    return round(float(width_mm), 4) if known and abs(width_mm / height_mm - 1) <= 0.01 else None


def no_rate(path: Path) -> InputError:
    return InputError("{path} does not tell its frame rate: give it with --fps.", path=path)
