"""AnalysisSettings: how a clip is analysed, as one value, and the checks of its choices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..attribution.methods import DEFAULT_METHOD, check_method
from ..errors import InputError
from ..spec import DEFAULT_BANDS, Band

if TYPE_CHECKING:  # settings are made and checked before the networks' packages are imported
    from ..models.bundle import Bundle
    from ..speech.voice import Voice

OBJECTIVES = ("frame", "sequence")
ENERGIES = ("db", "power", "hz")
NORMALIZATIONS = ("clip", "frame")
SILENCES = ("hide", "show")
PRECISIONS = ("fp32", "bf16", "auto")


@dataclass(frozen=True)
class AnalysisSettings:
    """All choices that change the result of an analysis. To change one: dataclasses.replace(settings, ...).

    bands: what is explained; empty: nothing. A time-frequency box has a map in every frame of the clip. Level and tilt
    of the whole spectrum (targets.py) are in dB and dB per octave, whatever `energy` says. The limits of a
    formant-tracking band change from frame to frame.
    objective: "frame", each frame's own energy, or "sequence", its mean over the clip (grad_cam.py).
    energy: "db", "power", or "hz", the band's spectral centroid.
    normalize: heatmaps are scaled for display by "clip" or by "frame".
    silence: "hide" or "show" the maps of silent frames; they explain silence, not speech.
    method: a name of attribution.methods. resolution: cells along a side of the maps; None: the method's default.
    precision: "fp32", "bf16" or "auto" (models/precision.py), of the CNN and the vocoder.
    voice: how a bundle with a voice speaks (speech/voice.py); None: the bundle's default.
    Raises InputError for an unknown choice, or two bands of one name.
    """

    bands: tuple[Band, ...] = DEFAULT_BANDS
    objective: str = "frame"
    energy: str = "db"
    normalize: str = "clip"
    silence: str = "hide"
    method: str = DEFAULT_METHOD
    resolution: int | None = None
    precision: str = "fp32"
    voice: "Voice | None" = None

    def __post_init__(self):
        object.__setattr__(self, "bands", tuple(self.bands))
        check_choices((self.objective, OBJECTIVES), (self.energy, ENERGIES), (self.normalize, NORMALIZATIONS))
        check_choices((self.silence, SILENCES), (self.precision, PRECISIONS))
        check_method(self.method)
        if len({band.name for band in self.bands}) != len(self.bands):
            raise InputError("Two bands have the same name: give each its own.")

    def to_json(self) -> dict:
        """All fields but bands and voice: name -> value."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("bands", "voice")}

    def options(self) -> Mapping[str, object]:
        """to_json as options of the command line: --name -> value. None is left out."""
        return {f"--{name}": value for name, value in self.to_json().items() if value is not None}


def settings_of(bands: Sequence[Band] | None = None, **choices) -> AnalysisSettings:
    """Settings with these bands (None: F1 and F2) and other fields by name."""
    return AnalysisSettings(DEFAULT_BANDS if bands is None else tuple(bands), **choices)


def check_boxes(bands: Sequence[Band], fps: float, silent: np.ndarray, silence: str) -> None:
    """Raises InputError for a box after the clip's end, a contrast of a frame with itself, or a silent box."""
    from ..attribution.band_targets import frames_of

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


def check_bands(bundle: "Bundle", bands: Sequence[Band]) -> None:
    """Raises InputError for a band outside the bundle's mel."""
    from ..speech.mel import band_bins

    for band in bands:
        if band.formant is None:
            band_bins(bundle.mel, band)  # says what is wrong with it


def check_choices(*choices: tuple[str, Iterable[str]]) -> None:
    """Raises InputError for a value that is not one of its known values: (value, known)."""
    for given, known in choices:
        if given not in known:
            raise InputError("{given!r} is not one of {known}.", given=given, known=", ".join(known))


def check_voice(bundle: "Bundle", asked: "Voice | None") -> None:
    """Raises InputError for a voice where the bundle has none."""
    if asked and bundle.voice is None and not asked.whisper:
        raise InputError("The bundle {name} carries no voice: pitch and intonation cannot be chosen.", name=bundle.name)
