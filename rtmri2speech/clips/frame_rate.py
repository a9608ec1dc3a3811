"""Resampling in time: from a clip's own frames to the model's frame rate, and back."""

import numpy as np

from .clip import Clip
from .disk_array import DiskArray, release_pages


def frame_count(clip: Clip, fps: float) -> int:
    """Number of frames of 1/fps seconds in the clip, rounded, at least 1."""
    return max(1, round(clip.duration * fps))


def at_rate(clip: Clip, fps: float) -> bool:
    """Whether the clip is at `fps` already: same number of frames, none off by a quarter of a frame."""
    count = len(clip.frames)
    if frame_count(clip, fps) != count:
        return False
    return bool(np.abs(clip.times_s * fps - np.arange(count + 1)).max() < 0.25)


def retime(clip: Clip, fps: float) -> np.ndarray:
    """The clip's frames at `fps`: uint8 (frame_count, H, W).

    Each new frame is the time-weighted mean of the clip over its 1/fps seconds, as a camera with that exposure would
    record it. The frames of a clip that is at the rate already are returned unchanged.
    """
    if at_rate(clip, fps):
        return clip.frames
    count, times = frame_count(clip, fps), clip.times_s
    out = DiskArray()
    for k in range(count):
        start, end = k / fps, (k + 1) / fps
        first = min(int(np.searchsorted(times, start, side="right")) - 1, len(clip.frames) - 1)
        last = min(int(np.searchsorted(times, end, side="left")) - 1, len(clip.frames) - 1)
        if last <= first:
            out.add(clip.frames[first : first + 1])
            continue
        edges = np.clip(times[first : last + 2], start, end)
        shares = np.diff(edges) / (edges[-1] - edges[0])
        mean = np.tensordot(shares, clip.frames[first : last + 1].astype(np.float32), axes=1)
        out.add(np.rint(mean).astype(np.uint8)[None])
        if k % 256 == 255:
            release_pages(clip.frames)
    return out.whole()


def model_frame_of_each(clip: Clip, fps: float) -> np.ndarray:
    """(T,) int: for each of the clip's own frames, the index of the frame at `fps` that contains its midpoint."""
    if at_rate(clip, fps):
        return np.arange(len(clip.frames))
    midpoints = (clip.times_s[:-1] + clip.times_s[1:]) / 2
    return np.minimum((midpoints * fps).astype(int), frame_count(clip, fps) - 1)


def clip_frame_of_each(clip: Clip, fps: float) -> np.ndarray:
    """(frame_count,) int: for each frame at `fps`, the index of the clip's own frame at its midpoint."""
    if at_rate(clip, fps):
        return np.arange(len(clip.frames))
    midpoints = (np.arange(frame_count(clip, fps)) + 0.5) / fps
    return np.minimum(np.searchsorted(clip.times_s, midpoints, side="right") - 1, len(clip.frames) - 1)
