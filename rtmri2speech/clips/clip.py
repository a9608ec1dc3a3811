"""Clip: a recording of a speaking vocal tract. formats/ reads the files."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..progress import UNSEEN, Progress
from .formats.reading import read_recording
from .formats.recording import HIGHEST_FPS, ClipLimits, checked_rate

__all__ = ["Clip", "ClipLimits", "read_clip"]


@dataclass(frozen=True)
class Clip:
    """Frames as recorded, with their times.

    frames: uint8 (T, H, W). times_s: (T + 1,) start of each frame and, last, the end of the clip; the first is 0.
    audio: mono float32 (samples,) that starts with the first frame, at audio_rate Hz; or None.
    details: the file's coding. pixel_mm: side of a pixel, where the file has it. notes: warnings about the file.
    """

    frames: np.ndarray
    times_s: np.ndarray
    audio: np.ndarray | None = None
    audio_rate: int | None = None
    source: str = ""
    details: dict = field(default_factory=dict)
    pixel_mm: float | None = None
    notes: tuple[InputError, ...] = ()

    @property
    def sound(self) -> tuple[np.ndarray, int] | None:
        """The audio and its rate; None without."""
        return None if self.audio is None or self.audio_rate is None else (self.audio, self.audio_rate)

    @property
    def duration(self) -> float:
        """Seconds from the first frame's start to the last frame's end."""
        return float(self.times_s[-1])

    @property
    def fps(self) -> float:
        """Mean frame rate, frames per second."""
        return len(self.frames) / self.duration

    @property
    def constant_rate(self) -> bool:
        """Whether all frames last equally long, to within 5 ms of rounding of the container's time stamps."""
        return bool(np.ptp(np.diff(self.times_s)) <= 0.005)

    @property
    def padding(self) -> tuple[int, int]:
        """Rows and columns of black padding that make the picture square."""
        height, width = self.frames.shape[1:]
        return max(width - height, 0), max(height - width, 0)


def read_clip(
    path: str | os.PathLike,
    *,
    fps: float | None = None,
    limits: ClipLimits | None = None,
    until_s: float | None = None,
    progress: Progress = UNSEEN,
) -> Clip:
    """Read a video with or without sound, a folder of numbered PNG/TIFF frames, a .npy/.npz array (T, H, W), DICOM (a
    series in a folder, or one file), NIfTI, MATLAB's .mat, or HDF5.

    fps: needed for folders of frames and for files without a rate; for .npy and .npz the default is the npz's own "fps"
    or the model's rate (11413/420); elsewhere it replaces the file's time stamps.
    until_s: read only about the first until_s seconds of a video. Frames above 32 MiB are read-only and memory-mapped
    from an anonymous temporary file. Frames of more than 8 bits are scaled so that the clip's maximum becomes 255.
    Raises InputError if the file cannot be read whole, holds fewer than two frames, or is over the limits.
    """
    path, limits = Path(path), limits or ClipLimits()
    if fps is not None and not 0 < fps <= HIGHEST_FPS:
        raise InputError("The frame rate must be above 0 and at most 1000 frames/s, not {fps:g}.", fps=fps)
    read = read_recording(path, fps, limits, until_s, progress)
    known = (read.details, read.pixel_mm, read.notes)
    clip = Clip(read.frames, read.times_s, read.audio, read.audio_rate, str(path), *known)
    if len(clip.frames) < 2:
        raise InputError("{path} holds one frame only: speech needs a clip of two frames or more.", path=path)
    checked_rate(clip.fps, path)
    if clip.duration > limits.longest_s:
        raise InputError(
            "{path} lasts {duration:.1f} s: at most {limit:g} s are read, cut it first.",
            path=path,
            duration=clip.duration,
            limit=limits.longest_s,
        )
    return clip
