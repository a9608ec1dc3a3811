"""What may be chosen of an analysis, and what is said of a choice that cannot be."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..attribution.band_targets import frames_of
from ..errors import InputError
from ..models.bundle import Bundle
from ..spec import Band
from ..speech.mel import band_bins
from ..speech.voice import Voice

NORMALIZATIONS = ("clip", "frame")


SILENCES = ("hide", "show")


def check_boxes(bands: Sequence[Band], fps: float, silent: np.ndarray, silence: str) -> None:
    for band in bands:
        stretches = [stretch for stretch in (band.stretch, band.than) if stretch is not None]
        if any(start * fps >= len(silent) for start, _ in stretches):
            raise InputError(
                "The box {name} begins after the clip's end: it lasts {seconds:.2f} s.",
                name=band.name,
                seconds=len(silent) / fps,
            )
        frames = [frames_of(*stretch, fps, len(silent)) for stretch in stretches]
        if len(frames) == 2 and frames[0] == frames[1]:
            raise InputError("The contrast {name} compares a frame with itself: choose two moments.", name=band.name)
        if frames and silence == "hide" and all(silent[slice(*some)].all() for some in frames):
            raise InputError("Nobody speaks in the box {name}: there is nothing to explain.", name=band.name)


def check_bands(bundle: Bundle, bands: Sequence[Band]) -> None:
    for band in bands:
        if band.formant is None:
            band_bins(bundle.mel, band)  # says what is wrong with it
    if len({band.name for band in bands}) != len(bands):
        raise InputError("Two bands have the same name: give each its own.")


def check_choices(*choices: tuple[str, Iterable[str]]) -> None:
    for given, known in choices:
        if given not in known:
            raise InputError("{given!r} is not one of {known}.", given=given, known=", ".join(known))


def check_voice(bundle: Bundle, asked: Voice | None) -> None:
    if asked and bundle.voice is None and not asked.whisper:
        raise InputError("The bundle {name} carries no voice: pitch and intonation cannot be chosen.", name=bundle.name)
