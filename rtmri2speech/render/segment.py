"""A stretch of a heatmap sequence between two times."""

import math

import numpy as np

from ..errors import InputError


def segment(sequence: np.ndarray, from_s: float, to_s: float, fps: float) -> np.ndarray:
    """The frames of `sequence` (T, H, W) whose midpoint (t + 1/2) / fps lies in [from_s, to_s). A view, not a copy.

    InputError if the times are reversed, outside the sequence, or so close that no frame lies between them.
    """
    if sequence.ndim != 3 or len(sequence) == 0:
        raise InputError("A heatmap sequence has the shape (frames, rows, columns), not {shape}.", shape=sequence.shape)
    if not (math.isfinite(fps) and fps > 0):
        raise InputError("The frame rate must be above 0, not {fps:g}.", fps=fps)
    duration = len(sequence) / fps
    if not (math.isfinite(from_s) and math.isfinite(to_s) and 0 <= from_s < to_s):
        raise InputError(
            "Give two times in seconds, the earlier first, from 0 on; not {first:g} to {last:g}.",
            first=from_s,
            last=to_s,
        )
    # Half a frame of grace: a duration read off a display is rounded.
    if to_s > duration + 0.5 / fps:
        raise InputError(
            "The sequence lasts {seconds:.3f} s ({frames} frames): no cut at {at:g} s.",
            seconds=duration,
            frames=len(sequence),
            at=to_s,
        )
    first, stop = (min(len(sequence), math.ceil(round(time * fps - 0.5, 6))) for time in (from_s, to_s))
    if first >= stop:
        raise InputError(
            "No frame lies between {first:g} and {last:g} s: a frame lasts {seconds:.3f} s.",
            first=from_s,
            last=to_s,
            seconds=1 / fps,
        )
    return sequence[first:stop]
