"""A stretch of a heatmap sequence between two times."""

import math

import numpy as np

from ..errors import InputError


def segment(sequence: np.ndarray, from_s: float, to_s: float, fps: float) -> np.ndarray:
    """The frames of `sequence` (T, H, W) whose midpoint (t + 1/2) / fps lies in [from_s, to_s). A view, not a copy.

    InputError if the times are reversed, outside the sequence, or so close that no frame lies between them.
    """
    if sequence.ndim != 3 or len(sequence) == 0:
        raise InputError(f"A heatmap sequence has the shape (frames, rows, columns), not {sequence.shape}.")
    if not (math.isfinite(fps) and fps > 0):
        raise InputError(f"The frame rate must be above 0, not {fps:g}.")
    duration = len(sequence) / fps
    if not (math.isfinite(from_s) and math.isfinite(to_s) and 0 <= from_s < to_s):
        raise InputError(f"Give two times in seconds, the earlier first, from 0 on; not {from_s:g} to {to_s:g}.")
    # Half a frame of grace: a duration read off a display is rounded.
    if to_s > duration + 0.5 / fps:
        raise InputError(f"The sequence lasts {duration:.3f} s ({len(sequence)} frames): no cut at {to_s:g} s.")
    first, stop = (min(len(sequence), math.ceil(round(time * fps - 0.5, 6))) for time in (from_s, to_s))
    if first >= stop:
        raise InputError(f"No frame lies between {from_s:g} and {to_s:g} s: a frame lasts {1 / fps:.3f} s.")
    return sequence[first:stop]
