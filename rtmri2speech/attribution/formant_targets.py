"""Formant-tracking bands: in each frame, the mel bins around the measured formant.

    bands = [Band.parse("F2:formant2+-200")]
    speech = SynthesisedSpeech(audio, rate, whispered, silent)
    formants_hz = formants_of(bands, times_s, None, None, speech)   # "F2" -> (T,)
    tracked = track_formant(bands[0], formants_hz["F2"], spec)
    tracked.formant_hz     # (T,), NaN where the formant was not measured: such a frame has no map
    tracked.bins           # (T, n_mels) bool

Formant trackers sometimes confuse neighbouring formants; exports therefore hold the track that was used.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..spec import Band, MelSpec
from ..speech.mel import centre_frequencies_hz


@dataclass(frozen=True)
class TrackedBand:
    """band: its limits span the whole track. formant_hz: (T,), NaN where not measured. bins: (T, n_mels) bool, all
    False in those frames."""

    band: Band
    formant_hz: np.ndarray
    bins: np.ndarray


def track_formant(band: Band, formant_hz: np.ndarray, spec: MelSpec) -> TrackedBand:
    """The band around its formant track (T,) Hz, NaN where not measured. Without any measured frame it spans the mel.

    Raises InputError where a measured frame has no mel bin within the band.
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
    """(T, n_mels) bool: bins within band.width_hz of the formant track (T,); none where that is NaN."""
    assert band.width_hz is not None
    return np.abs(centre_frequencies_hz(spec) - formant_hz[:, None]) <= band.width_hz
