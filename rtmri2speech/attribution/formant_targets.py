"""A band that follows a formant: of each frame, the bins around where that formant was measured.

    bands = [Band.parse("F2:formant2+-200")]
    known = formants_of(bands, times_s, None, None, Spoken(audio, rate, whispered, silent))   # "F2" -> (T,)
    followed = follow(bands[0], known["F2"], spec)
    followed.formant_hz    # (T,), NaN where the formant was not measured: there is no map
    followed.bins          # (T, n_mels) bool

Measured formants jump now and then to a neighbour's; what is followed is written beside the maps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..clips.phantom_truth import true_track, truth_beside
from ..errors import InputError
from ..spec import Band, MelSpec
from ..speech.formant_tracks import Sound, ceiling_of, measured_track
from ..speech.mel import centre_frequencies_hz


@dataclass(frozen=True)
class Spoken:
    """Synthesised speech: (samples,) at rate, whether it is a whisper, and (T,) where it is silent."""

    samples: np.ndarray
    rate: int
    whispered: bool
    silent: np.ndarray


@dataclass(frozen=True)
class Followed:
    """band: with the limits between which it moves. formant_hz: (T,), NaN where there is none. bins: (T, n_mels) bool,
    none of them in those frames."""

    band: Band
    formant_hz: np.ndarray
    bins: np.ndarray


def formants_of(
    bands: Sequence[Band],
    times_s: np.ndarray,
    source: str | Path | None,
    original: Sound | None,
    spoken: Spoken | None,
    from_s: float = 0.0,
) -> dict[str, np.ndarray]:
    """The formants that these bands follow, at times (T,): name -> (T,) Hz, NaN where there is none.

    source: the clip's file, beside which a phantom's truth may lie. from_s: where in the clip both sounds and the times
    begin. Raises InputError where there is no original, or no truth, and a band follows it.
    """
    tracks_hz: dict[str, np.ndarray] = {}
    ceiling_hz = None if original is None else ceiling_of(original, times_s)
    for track in {band.track for band in bands} - {None}:
        if track == "synthesised":
            assert spoken is not None
            sound = spoken.samples, spoken.rate
            tracks_hz[track] = measured_track(sound, times_s, ceiling_hz, spoken.whispered, spoken.silent).hz
        elif track == "original":
            if original is None:
                raise InputError("This clip has no original speech whose formants a band could follow.")
            tracks_hz[track] = measured_track(original, times_s, ceiling_hz, False, np.zeros(len(times_s), bool)).hz
        else:
            truth = truth_beside(source) if source else None
            if truth is None:
                raise InputError(
                    "{recording} has no truth: only phantoms have a <name>.truth.npz beside them.",
                    recording=Path(source or "").name,
                )
            tracks_hz["truth"] = true_track(truth, from_s + times_s)
    return {b.name: tracks_hz[b.track][:, b.formant - 1].astype(np.float64) for b in bands if b.track and b.formant}


def check_found(bands: Sequence[Band], formants_hz: Mapping[str, np.ndarray]) -> None:
    """Raises InputError where no frame has the formant that a band follows."""
    for band in bands:
        if band.name in formants_hz and np.isnan(formants_hz[band.name]).all():
            raise InputError(
                "The band {name} has no formant to follow: no formant {number} was measured ({track} speech).",
                name=band.name,
                number=band.formant,
                track=band.track,
            )


def follow(band: Band, formant_hz: np.ndarray, spec: MelSpec) -> Followed:
    """The band along its formant (T,), NaN where it was not measured. Where it is nowhere, the limits are the mel's.

    Raises InputError where a frame's mel bins all lie farther from it than the band is wide.
    """
    bins = bins_along(band, formant_hz, spec)
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
    return Followed(replace(band, low_hz=low, high_hz=high), formant_hz, bins)


def bins_along(band: Band, formant_hz: np.ndarray, spec: MelSpec) -> np.ndarray:
    """(T, n_mels) bool: the bins within the band's width of its formant (T,); none where that is NaN."""
    assert band.width_hz is not None
    return np.abs(centre_frequencies_hz(spec) - formant_hz[:, None]) <= band.width_hz
