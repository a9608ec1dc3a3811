"""The thesis' heatmap video: an interval of a clip at a few frames a second, each repeated."""

from collections.abc import Sequence
from fractions import Fraction
from os import PathLike

import numpy as np

from ..errors import InputError
from ..progress import UNSEEN, Progress
from .encode import even_size, exact_rate, write_video
from .heatmaps import Heatmaps, check_bands, check_clip
from .overlay import Video, band_picture, drawn


def slowmo(
    path: str | PathLike,
    frames: np.ndarray,
    clip_fps: Fraction | float,
    heatmap: Heatmaps,
    label: str,
    *,
    start_frame: int = 0,
    fps: Fraction | float = 5,
    repeat: int = 4,
    alpha: float = 0.7,
    size: tuple[int, int] = (512, 512),
    colour_maps: Sequence[str] | None = None,
    progress: Progress = UNSEEN,
) -> Video:
    """Write an mp4 of frames start_frame .. start_frame + n - 1 of a clip under its heatmap (n, H, W) in [0, 1].

    frames: the whole clip (T, H, W) uint8 at `clip_fps`; captions have frame and time in that clip. Each frame is shown
    `repeat` times at `fps`: 0.8 s by default. No audio. Raises InputError if the interval is empty or leaves the clip.
    """
    check_clip(frames)
    count = len(heatmap)
    if count == 0:
        raise InputError("The heatmap sequence is empty: there is no frame to show.")
    if repeat != int(repeat) or repeat < 1:
        raise InputError("Each frame is shown a whole number of times, at least once, not {given:g}.", given=repeat)
    if start_frame < 0 or start_frame + count > len(frames):
        raise InputError(
            "The heatmap has {count} frames; from frame {start} they do not fit into the clip's {frames}.",
            count=count,
            start=start_frame,
            frames=len(frames),
        )
    check_bands({label: heatmap}, count)
    picture = band_picture(size, {label: heatmap}, "overlay", alpha, colour_maps, "max")
    shown = np.repeat(np.arange(count), int(repeat))
    order = (
        (start_frame + i, i, f"frame {start_frame + i}   {(start_frame + i) / float(clip_fps):.3f} s")
        for i in shown.tolist()
    )
    rate = exact_rate(fps)
    pictures = drawn(picture, frames, {label: heatmap}, order)
    write_video(path, pictures, len(shown), even_size(size), rate, progress=progress)
    return Video(even_size(size), len(shown), float(rate))
