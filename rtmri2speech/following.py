"""A band that follows a formant: of each frame, the bins around where that formant was measured.

    track_hz = measured_track((audio, rate), times_s, None, True, silent).hz    # (T, 3), formant_tracks.py
    followed = follow(Band.parse("F2:formant2+-200"), track_hz, spec)
    followed.formant_hz    # (T,), NaN where the formant was not measured: there is no map
    followed.bins          # (T, n_mels) bool

Measured formants jump now and then to a neighbour's; what is followed is written beside the maps.
"""

from dataclasses import dataclass, replace

import numpy as np

from .errors import InputError
from .mel import centre_frequencies_hz
from .spec import Band, MelSpec


@dataclass(frozen=True)
class Followed:
    """band: with the limits between which it moves. formant_hz: (T,), NaN where there is none. bins: (T, n_mels) bool,
    none of them in those frames."""

    band: Band
    formant_hz: np.ndarray
    bins: np.ndarray


def follow(band: Band, track_hz: np.ndarray, spec: MelSpec) -> Followed:
    """The band along its formant. track_hz: (T, 3) F1 to F3, NaN where they were not measured.

    Raises InputError where no frame has that formant, or a frame's mel bins all lie farther from it.
    """
    assert band.formant is not None and band.width_hz is not None
    formant_hz = np.array(track_hz[:, band.formant - 1], np.float64)
    if np.isnan(formant_hz).all():
        raise InputError(
            "The band {name} has no formant to follow: no formant {number} was measured ({track} speech).",
            name=band.name,
            number=band.formant,
            track=band.track,
        )
    bins = np.abs(centre_frequencies_hz(spec) - formant_hz[:, None]) <= band.width_hz  # never where it is NaN
    if (~np.isnan(formant_hz) & ~bins.any(axis=1)).any():
        raise InputError(
            "The band {name} holds no mel bin of this bundle around its formant: widen it, as in {name}:{of}+-200.",
            name=band.name,
            of=band.of,
        )
    low, high = np.nanmin(formant_hz) - band.width_hz, np.nanmax(formant_hz) + band.width_hz
    limits = max(spec.fmin_hz, float(low)), min(spec.top_hz, float(high))
    return Followed(replace(band, low_hz=limits[0], high_hz=limits[1]), formant_hz, bins)
