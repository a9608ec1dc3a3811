"""Signed CAMs on a scale for display."""

import numpy as np

from ..errors import InputError


def clip_scale(cam: np.ndarray, speech: np.ndarray | None = None, percentile: float = 99) -> float:
    """What is shown as 1 of the positive part of cam (T, ...): its percentile in the frames `speech`.

    speech: indices; None or none at all: every frame. At least a quarter of the same percentile regardless of sign:
    where nearly all attribution is negative, the little that is positive stays cold.
    """
    heard = cam if speech is None or not len(speech) else cam[speech]
    positive, either = (
        float(np.percentile(of(heard), percentile, overwrite_input=True))  # of a copy that is made for it
        for of in (lambda cam: np.maximum(cam, 0), np.abs)
    )
    return max(positive, either / 4)


def display_grid(cam: np.ndarray, normalize: str, speech: np.ndarray | None = None) -> np.ndarray:
    """Signed CAM (T, h, w) -> (T, h, w) float32 in [0, 1] for display: the positive part.

    normalize "clip": one scale for the whole clip (clip_scale of its `speech`), so that a weak frame looks weak.
    "frame": each frame by its own minimum and maximum, as in the thesis.
    """
    positive = np.maximum(cam, 0)
    if normalize == "clip":
        scale = clip_scale(cam, speech)
        return np.clip(positive / scale, 0, 1) if scale > 0 else np.zeros_like(positive)
    if normalize == "frame":
        low = positive.min(axis=(1, 2), keepdims=True)
        span = positive.max(axis=(1, 2), keepdims=True) - low
        return np.divide(positive - low, span, out=np.zeros_like(positive), where=span > 0)
    raise InputError("Heatmaps are normalised by clip or frame, not {given!r}.", given=normalize)


def signed_grid(cam: np.ndarray, normalize: str, speech: np.ndarray | None = None) -> np.ndarray:
    """The same with both signs, in [-1, 1], by the size of what is for and against; "frame": of each frame's own."""
    size = np.abs(cam)
    if normalize == "clip":
        return np.clip(cam / (clip_scale(size, speech) or 1), -1, 1).astype(np.float32)
    most = size.max(axis=(1, 2), keepdims=True)
    return np.divide(cam, most, out=np.zeros_like(cam), where=most > 0)
