"""Normalisation of signed CAMs for display."""

import numpy as np

from ..errors import InputError


def clip_scale(cam: np.ndarray, speech: np.ndarray | None = None, percentile: float = 99) -> float:
    """The value displayed as 1: a percentile of the positive part of cam (T, ...) over the frames `speech`.

    speech: indices; None or empty: every frame. It is at least a quarter of the same percentile of |cam|, so that
    little positive attribution among much negative is displayed as weak.
    """
    heard = cam if speech is None or not len(speech) else cam[speech]
    positive, either = (
        float(np.percentile(of(heard), percentile, overwrite_input=True))  # of a copy that is made for it
        for of in (lambda cam: np.maximum(cam, 0), np.abs)
    )
    return max(positive, either / 4)


def display_grid(cam: np.ndarray, normalize: str, speech: np.ndarray | None = None) -> np.ndarray:
    """Positive part of a signed CAM (T, h, w), scaled to [0, 1]: (T, h, w) float32.

    normalize "clip": one scale for the clip (clip_scale over `speech`), so that a weak frame looks weak.
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
    """A signed CAM (T, h, w) scaled to [-1, 1] by its magnitude; normalize as in display_grid."""
    size = np.abs(cam)
    if normalize == "clip":
        return np.clip(cam / (clip_scale(size, speech) or 1), -1, 1).astype(np.float32)
    most = size.max(axis=(1, 2), keepdims=True)
    return np.divide(cam, most, out=np.zeros_like(cam), where=most > 0)
