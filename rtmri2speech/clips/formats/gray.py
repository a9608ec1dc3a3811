"""Gray levels of any type -> uint8 frames of one size, within limits."""

from pathlib import Path

import numpy as np

from ...errors import InputError
from ..disk_array import DiskArray, release_pages
from .recording import SMALLEST_SIDE, ClipLimits


class Frames:
    """Collects gray frames of one size. Raises InputError over the limits."""

    def __init__(self, path: Path, limits: ClipLimits):
        self.path, self.limits = path, limits
        self.first: np.ndarray | None = None
        self.frames = DiskArray()

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

    def add(self, frame: np.ndarray, pixel_aspect: float = 1.0) -> None:
        """frame: (H, W). pixel_aspect: width of a pixel over its height; pixels become square."""
        height, width = square_size(frame.shape, pixel_aspect)
        self.check(len(self.frames) + 1, height, width, frame.itemsize)
        frame = squared(frame, pixel_aspect)
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
        if frame.dtype != self.first.dtype:
            raise InputError(
                "{path}: frame {frame} holds gray levels of type {type}, the first of type {first}: save all alike.",
                path=self.path,
                frame=len(self.frames),
                type=frame.dtype,
                first=self.first.dtype,
            )
        self.frames.add(frame[None])

    def stack(self) -> np.ndarray:
        if self.first is None:
            raise InputError("{path} holds no frame that can be decoded.", path=self.path)
        return to_uint8(self.frames.whole(), self.path)


def square_size(shape: tuple[int, ...], pixel_aspect: float) -> tuple[int, int]:
    """(H, W) -> the size with square pixels: the shorter side grows. An aspect within 1 % counts as square."""
    height, width = shape
    if not np.isfinite(pixel_aspect) or pixel_aspect <= 0 or abs(pixel_aspect - 1) <= 0.01:
        return height, width
    return (height, round(width * pixel_aspect)) if pixel_aspect > 1 else (round(height / pixel_aspect), width)


def squared(frame: np.ndarray, pixel_aspect: float) -> np.ndarray:
    """A frame (H, W) with pixels of this aspect, resampled to square pixels."""
    import cv2

    height, width = square_size(frame.shape, pixel_aspect)
    if (height, width) == frame.shape:
        return frame
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)


def squared_stack(frames: np.ndarray, pixel_aspect: float, path: Path, limits: ClipLimits) -> np.ndarray:
    """`squared` for (T, H, W). Raises InputError if the result is over the limits."""
    height, width = square_size(frames.shape[1:], pixel_aspect)
    if (height, width) == frames.shape[1:]:
        return frames
    Frames(path, limits).check(len(frames), height, width, frames.itemsize)
    return np.stack([squared(frame, pixel_aspect) for frame in frames])


def to_uint8(frames: np.ndarray, path: Path) -> np.ndarray:
    """(T, H, W) of any real type -> uint8. Eight-bit values stay; others are scaled so that the maximum becomes 255."""
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
    out = DiskArray()
    for frame in frames:
        out.add(np.rint((frame.astype(np.float64) - low) * scale).astype(np.uint8)[None])
    release_pages(frames)
    return out.whole()


def _extremes(frames: np.ndarray) -> tuple[float, float]:
    """Minimum and maximum, computed in chunks of frames."""
    least, most = zip(*((frame.min(), frame.max()) for frame in frames), strict=True)
    release_pages(frames)
    return float(np.min(least)), float(np.max(most))


def luma(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) red, green, blue -> (H, W) gray of the same type (Rec. 601)."""
    gray = frame.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return (np.rint(gray) if frame.dtype.kind in "ui" else gray).astype(frame.dtype)
