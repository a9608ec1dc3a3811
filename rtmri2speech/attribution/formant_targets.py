"""A band that follows a formant: of each frame, the bins around where that formant was measured.

    bands = [Band.parse("F2:formant2+-200")]
    known = formants_of(bands, times_s, None, None, Spoken(audio, rate, whispered, silent))   # "F2" -> (T,)
    followed = follow(bands[0], known["F2"], spec)
    followed.formant_hz    # (T,), NaN where the formant was not measured: there is no map
    followed.bins          # (T, n_mels) bool

Measured formants jump now and then to a neighbour's; what is followed is written beside the maps.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..spec import Band, MelSpec
from ..speech.mel import centre_frequencies_hz


@dataclass(frozen=True)
class TrackedBand:
    """band: with the limits between which it moves. formant_hz: (T,), NaN where there is none. bins: (T, n_mels) bool,
    none of them in those frames."""

    band: Band
    formant_hz: np.ndarray
    bins: np.ndarray


def track_formant(band: Band, formant_hz: np.ndarray, spec: MelSpec) -> TrackedBand:
    """The band along its formant (T,), NaN where it was not measured. Where it is nowhere, the limits are the mel's.

    Raises InputError where a frame's mel bins all lie farther from it than the band is wide.
    """
    bins = tracked_bins(band, formant_hz, spec)
    there = ~np.isnan(formant_hz)
    if (there & ~bins.any(axis=1)).any():
        raise InputError(
            "The band {name} holds no mel bin of this bundle around its formant: widen it, as in {name}:{of}+-200.",
            name=band.name,
            of=band.of,
        )
    low, high = spec.fmin_hz, spec.top_hz
    if there.any():
        assert band.width_hz is not None
        low = max(low, float(np.nanmin(formant_hz)) - band.width_hz)
        high = min(high, float(np.nanmax(formant_hz)) + band.width_hz)
    return TrackedBand(replace(band, low_hz=low, high_hz=high), formant_hz, bins)


def tracked_bins(band: Band, formant_hz: np.ndarray, spec: MelSpec) -> np.ndarray:
    """(T, n_mels) bool: the bins within the band's width of its formant (T,); none where that is NaN."""
    assert band.width_hz is not None
    return np.abs(centre_frequencies_hz(spec) - formant_hz[:, None]) <= band.width_hz
