"""Gray levels as files hold them -> uint8 frames of one size, within limits."""

from pathlib import Path

import numpy as np

from ...errors import InputError
from ..disk_array import Growing, let_go
from .recording import SMALLEST_SIDE, ClipLimits


class Frames:
    """Collects gray frames of one size and refuses what is over the limits."""

    def __init__(self, path: Path, limits: ClipLimits):
        self.path, self.limits = path, limits
        self.first: np.ndarray | None = None
        self.frames = Growing()

    def check(self, count: int, height: int, width: int, itemsize: int = 1) -> None:
        if min(height, width) < SMALLEST_SIDE:
            raise InputError(
                "{path} is {width}x{height} pixels: a side must have at least {least} pixels.",
                path=self.path,
                width=width,
                height=height,
                least=SMALLEST_SIDE,
            )
        if max(height, width) > self.limits.largest_side:
            raise InputError(
                "{path} is {width}x{height} pixels: a side may have at most {most} pixels.",
                path=self.path,
                width=width,
                height=height,
                most=self.limits.largest_side,
            )
        if count > self.limits.most_frames:
            raise InputError(
                "{path} has more than {most} frames: cut it first.", path=self.path, most=self.limits.most_frames
            )
        if count * height * width * itemsize > self.limits.most_bytes:
            raise InputError(
                "{path} needs more than {most:.0f} MiB once decoded: cut it or make it smaller first.",
                path=self.path,
                most=self.limits.most_bytes / 2**20,
            )

    def add(self, frame: np.ndarray) -> None:
        self.first = frame if self.first is None else self.first
        if frame.shape != self.first.shape:
            (h0, w0), (h, w) = self.first.shape, frame.shape
            raise InputError(
                "{path}: frame {frame} is {w}x{h} pixels, the first is {w0}x{h0}.",
                path=self.path,
                frame=len(self.frames),
                w=w,
                h=h,
                w0=w0,
                h0=h0,
            )
        height, width = frame.shape
        self.check(len(self.frames) + 1, height, width, frame.itemsize)
        self.frames.add(frame[None])

    def stack(self) -> np.ndarray:
        if self.first is None:
            raise InputError("{path} holds no frame that can be decoded.", path=self.path)
        return to_uint8(self.frames.whole(), self.path)


def to_uint8(frames: np.ndarray, path: Path) -> np.ndarray:
    """(T, H, W) of any real type -> uint8. Eight-bit values stay; others are scaled so that the largest becomes 255."""
    if frames.dtype == np.uint8:
        return frames
    if frames.dtype.kind not in "buif":
        raise InputError(
            "{path} holds values of type {type}: gray levels must be numbers.", path=path, type=frames.dtype
        )
    low, high = _extremes(frames)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("{path} holds gray levels that are not finite numbers.", path=path)
    low = min(low, 0.0)
    scale = 255.0 / (high - low) if high > low else 0.0
    out = Growing()
    for frame in frames:
        out.add(np.rint((frame.astype(np.float64) - low) * scale).astype(np.uint8)[None])
    let_go(frames)
    return out.whole()


def _extremes(frames: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value, without looking at all frames at once."""
    least, most = zip(*((frame.min(), frame.max()) for frame in frames), strict=True)
    let_go(frames)
    return float(np.min(least)), float(np.max(most))


def luma(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) red, green, blue -> (H, W) gray of the same type (Rec. 601)."""
    gray = frame.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return (np.rint(gray) if frame.dtype.kind in "ui" else gray).astype(frame.dtype)
