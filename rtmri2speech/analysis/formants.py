"""The formants of a clip, for formant-tracking bands and for display."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..clips.phantom_truth import true_track, truth_beside
from ..errors import InputError
from ..spec import Band
from ..speech.audio import Sound
from ..speech.formant_tracks import FormantTrack, ceiling_of, measured_track

if TYPE_CHECKING:
    from .result import Analysis


@dataclass(frozen=True)
class SynthesisedSpeech:
    """samples: (samples,) at `rate` Hz. whispered: without F0. silent: (T,) bool."""

    samples: np.ndarray
    rate: int
    whispered: bool
    silent: np.ndarray


def formants_of(
    bands: Sequence[Band],
    times_s: np.ndarray,
    source: str | Path | None,
    original: Sound | None,
    spoken: SynthesisedSpeech | None,
    from_s: float = 0.0,
) -> dict[str, np.ndarray]:
    """The formant of each formant-tracking band at times_s (T,): name -> (T,) Hz, NaN where there is none.

    source: the clip's file, beside which a phantom's ground truth may lie. original: the reference speech. from_s: the
    place in the clip at which both sounds and times_s begin. Raises InputError where a band tracks reference speech or
    ground truth that the clip lacks.
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
    """Raises InputError where no frame has the formant that a band tracks."""
    for band in bands:
        if band.name in formants_hz and np.isnan(formants_hz[band.name]).all():
            raise InputError(
                "The band {name} has no formant to follow: no formant {number} was measured ({track} speech).",
                name=band.name,
                number=band.formant,
                track=band.track,
            )


def formant_tracks(
    analysis: "Analysis", original: Sound | None = None, recording: str | Path | None = None
) -> dict[str, FormantTrack]:
    """The clip's formant tracks, by source: "synthesised", "original" and "truth", as far as available.

    original: the reference speech; its F0 sets the formant ceiling of both measured tracks, as the speaker is the same.
    recording: the clip's file, for a phantom's ground truth.
    """
    times_s = (np.arange(len(analysis.mel_db)) + 0.5) / analysis.fps
    ceiling_hz = None if original is None else ceiling_of(original, times_s)
    found = {}
    if len(analysis.audio):
        spoken = (analysis.audio, analysis.sample_rate)
        found["synthesised"] = measured_track(spoken, times_s, ceiling_hz, analysis.f0_hz is None, analysis.silent)
    if original is not None:
        found["original"] = measured_track(original, times_s, ceiling_hz, False, np.zeros(len(times_s), bool))
    truth = truth_beside(recording) if recording else None
    if truth is not None:
        found["truth"] = FormantTrack(true_track(truth, times_s))
    return found
