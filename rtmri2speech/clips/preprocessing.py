"""Preprocessing of MRI frames for the CNN. Needs only numpy and OpenCV."""

import cv2
import numpy as np

_BLUR_SHARE = 0.08  # standard deviation of `blurred`, of the picture's width
_COARSER = 4


def prepare_frames(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, W) -> float32 (T, size, size) in [0, 1].

    Pads to a centred square with black, resizes, and min-max scales each frame; a constant frame becomes 0.
    """
    out = np.empty((len(frames), size, size), np.float32)
    for prepared, frame in zip(out, frames, strict=True):
        frame = _square(frame, size)
        low, high = float(frame.min()), float(frame.max())
        if high > low:
            np.clip((frame.astype(np.float32) - low) / (high - low), 0, 1, out=prepared)
        else:
            prepared.fill(0)
    return out


def square_frames(frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, W) -> uint8 (T, size, size): padded and resized as by `prepare_frames`, not rescaled."""
    return np.stack([np.clip(np.rint(_square(frame, size)), 0, 255).astype(np.uint8) for frame in frames])


def _square(frame: np.ndarray, size: int) -> np.ndarray:
    side = max(frame.shape)
    if frame.shape != (side, side):
        top, left = (side - frame.shape[0]) // 2, (side - frame.shape[1]) // 2
        square = np.zeros((side, side), frame.dtype)
        square[top : top + frame.shape[0], left : left + frame.shape[1]] = frame
        frame = square
    if side == size:
        return frame
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    return cv2.resize(frame.astype(np.float32), (size, size), interpolation=how)


def blurred(frames: np.ndarray) -> np.ndarray:
    """Frames float32 (n, size, size), heavily blurred: they keep brightness, but no region's shape."""
    size = frames.shape[-1]
    deviation = _BLUR_SHARE * size / _COARSER
    small = (size // _COARSER, size // _COARSER)  # so wide a blur is computed on a coarser picture
    out = np.empty_like(frames)
    for frame, plain in zip(frames, out, strict=True):
        coarse = cv2.GaussianBlur(cv2.resize(frame, small, interpolation=cv2.INTER_AREA), (0, 0), deviation)
        cv2.resize(coarse, (size, size), dst=plain, interpolation=cv2.INTER_LINEAR)
    return out
