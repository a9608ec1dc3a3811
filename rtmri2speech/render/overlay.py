"""Overlay video: a clip under the heatmaps of its bands, with speech, at full speed or in slow motion."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike

import numpy as np

from ..errors import InputError
from ..progress import UNSEEN, Progress
from ..speech.audio import fit
from .colour import COMBINE, default_maps, layer
from .encode import even_size, exact_rate, write_video
from .figure_texts import caption
from .heatmaps import Heatmaps, aspect, check_bands, check_clip, checked_heat
from .picture import LAYOUTS, Line, Picture
from .time_stretch import check_slow, stretch
from .tracks import Tracks


@dataclass(frozen=True)
class Video:
    """The video written: size (width, height) after rounding up to even sides, and timing."""

    size: tuple[int, int]
    frames: int
    fps: float

    @property
    def duration_s(self) -> float:
        return self.frames / self.fps


def overlay(
    path: str | PathLike,
    frames: np.ndarray,
    fps: Fraction | float,
    heatmaps: Mapping[str, Heatmaps],
    *,
    layout: str = "overlay",
    size: tuple[int, int] = (512, 512),
    alpha: float = 0.7,
    colour_maps: Sequence[str] | None = None,
    combine: str = "max",
    audio: np.ndarray | None = None,
    audio_rate: int | None = None,
    slow: float = 1,
    start_frame: int = 0,
    language: str = "en",
    name: str = "",
    lines: Callable[[int], Sequence[Line]] | None = None,
    tracks: Tracks | None = None,
    progress: Progress = UNSEEN,
) -> Video:
    """Write an mp4 of `size` (width, height; odd sides rounded up) at `fps`; frames are padded, never stretched.

    frames (T, H, W) uint8; heatmaps: label (Band.label) -> (T, H', W') in [0, 1], one to four; for heatmaps of another
    aspect, frames are padded evenly on both sides.
    layout: "overlay", "side-by-side" (plain frame | frame under heatmap), "bands" (a frame for each band, side by side)
    or "heatmap" (no frame, alpha 1), within `size`.
    audio (samples,) float32, cut or padded with silence to the clip. slow N: frames are repeated to last N times as
    long, at the same fps, as players handle very low rates badly; the audio is time-stretched at its own pitch. The
    caption, in "en" or "ja", has frame and time in the clip, in which `frames` begin at start_frame; name, of the clip,
    stands beside it where there is room. lines: frame of the clip -> lines over it, such as outlines of regions.
    tracks: the strip under the picture, which adds to its height.
    Raises InputError for anything that does not fit, before writing.
    """
    check_clip(frames)
    check_bands(heatmaps, len(frames))
    check_slow(slow)
    picture = band_picture(size, heatmaps, layout, alpha, colour_maps, combine, name)
    rate = exact_rate(fps)
    count = round(len(frames) * slow)
    shown = np.minimum((np.arange(count) / slow).astype(int), len(frames) - 1).tolist()
    said = [caption(start_frame + t, float(fps), slow, language) for t in shown]
    sound = None if audio is None else _soundtrack(audio, audio_rate, len(frames) / float(fps), slow)
    pictures = drawn(picture, frames, heatmaps, zip(shown, shown, said, strict=True), lines, tracks, start_frame)
    width, height = even_size(size)
    whole = width, height + (tracks.height if tracks else 0)
    write_video(path, pictures, count, whole, rate, sound, audio_rate, progress)
    return Video(whole, count, float(rate))


def band_picture(
    size: tuple[int, int],
    heatmaps: Mapping[str, Heatmaps],
    layout: str,
    alpha: float,
    colour_maps: Sequence[str] | None,
    combine: str,
    name: str = "",
) -> Picture:
    """The Picture for these bands. Raises InputError for an unknown choice, or one out of range."""
    if layout not in LAYOUTS:
        raise InputError("The layout is {known}, not {given!r}.", known=" or ".join(LAYOUTS), given=layout)
    if combine not in COMBINE:
        raise InputError("Two bands are combined by {known}, not {given!r}.", known=" or ".join(COMBINE), given=combine)
    names = default_maps(len(heatmaps)) if colour_maps is None else colour_maps
    if len(names) != len(heatmaps):
        raise InputError(
            "Give one colour map for each band: {wanted}, not {given}.", wanted=len(heatmaps), given=len(names)
        )
    opacity = 1.0 if layout == "heatmap" else alpha
    legend = {label: layer(name, opacity) for label, name in zip(heatmaps, names, strict=True)}
    return Picture(even_size(size), aspect(next(iter(heatmaps.values()))), legend, layout, combine, name)


def drawn(
    picture: Picture,
    frames: np.ndarray,
    heatmaps: Mapping[str, Heatmaps],
    order: Iterator[tuple[int, int, str]],
    lines: Callable[[int], Sequence[Line]] | None = None,
    tracks: Tracks | None = None,
    start_frame: int = 0,
) -> Iterator[np.ndarray]:
    """Yields pictures for each (frame, heatmap frame, caption); a repeated one is drawn once. lines and tracks take the
    frame's number in the clip, in which `frames` begin at start_frame."""
    last, image = -1, np.empty(0)
    for t, heat_t, said in order:
        if t != last:
            heats = [checked_heat(heatmap, heat_t, label) for label, heatmap in heatmaps.items()]
            over = lines(start_frame + t) if lines else ()
            last, image = t, picture.draw(frames[t], heats, said, over)
            if tracks:
                image = np.concatenate([image, tracks.draw(start_frame + t)])
        yield image


def _soundtrack(audio: np.ndarray, rate: int | None, clip_s: float, slow: float) -> np.ndarray:
    if not rate or rate <= 0:
        raise InputError("The audio needs its sample rate, above 0 Hz, not {rate}.", rate=rate)
    if audio.ndim != 1 or not np.isfinite(audio).all():
        raise InputError("The audio must be one channel of finite samples.")
    # Cut before time-stretching, so that both end together.
    return stretch(fit(audio, round(clip_s * rate)), rate, slow)
