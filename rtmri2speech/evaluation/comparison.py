"""Comparison of two bundles on one clip: shared networks, and the difference in sound."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from ..analysis.occlusion import mean_changes
from ..analysis.pipeline import analyse
from ..analysis.result import Analysis
from ..attribution.band_targets import band_values
from ..attribution.methods import method_of
from ..models.bundle import Bundle
from ..progress import UNSEEN, Progress
from ..speech.audio import Sound
from ..speech.metrics import mcd
from ..speech.voice import Voice
from .speech_quality import heard_mel, read_reference, score


@dataclass(frozen=True)
class Comparison:
    """Two analyses of one clip, by bundle A and bundle B; T counts A's frames.

    same_acoustic, same_vocoder: whether both make the same mel of a clip, and the same sound of a mel.
    heard_db: the mel of each waveform, (T, n_mels) as A's bundle defines a mel. Waveforms are compared because vocoders
    differ and predicted mels may be of different kinds.
    difference_db: B's heard mel minus A's. change_db: band -> (T,), energy in B's minus in A's (tilt: dB per octave). A
    formant-tracking band keeps A's track: NaN where that was not measured.
    spoken: indices of A's speech frames. mean_change_db (band -> mean) and mcd_db are over these; None without any.
    scores: of A and of B against the reference speech, metric -> value; None without reference speech.
    """

    first: Analysis
    second: Analysis
    same_acoustic: bool
    same_vocoder: bool
    heard_db: tuple[np.ndarray, np.ndarray]
    difference_db: np.ndarray
    change_db: dict[str, np.ndarray]
    spoken: np.ndarray
    mean_change_db: dict[str, float | None]
    mcd_db: float | None
    scores: tuple[dict, dict] | None


def compare(
    bundle: Bundle,
    analysis: Analysis,
    other: Bundle,
    original: Sound | None,
    progress: Progress = UNSEEN,
    voice: Voice | None = None,
    by: Callable[..., Analysis] = analyse,
) -> Comparison:
    """Analyse the clip of `analysis`, which `bundle` made, with the `other` bundle.

    original: the reference speech, (samples,) and rate. progress: its stages are those of `analyse` and scores. by:
    analyse, or analyse_in_chunks for a clip that was analysed in chunks. voice: how the other bundle speaks; default:
    its own. Raises InputError for a voice it lacks, or for bands outside its mel.
    """
    old = analysis.settings
    known = set(method_of(old.method).resolutions(other.acoustic, other.frames.size))
    resolution = old.resolution if old.resolution in known else None
    second = by(
        other,
        analysis.clip,
        settings=replace(old, voice=voice, resolution=resolution),
        original=original,
        progress=progress.part(None, 0, 0.6),
    )
    spec, count = bundle.mel, len(analysis.mel_db)
    before, after = (heard_mel(made.audio, made.sample_rate, spec, count) for made in (analysis, second))
    formants_hz = {name: track[: len(before)] for name, track in analysis.tracked_hz.items()}
    one, two = (band_values(spec, torch.from_numpy(mel_db), analysis.bands, formants_hz) for mel_db in (before, after))
    change_db = {name: two[name] - db for name, db in one.items()}
    spoken = analysis.speech
    spoken = spoken[spoken < len(before)]  # the thesis' framing has a few frames fewer
    scores = None
    if original is not None:
        progress("scores", 0.6)
        first_score = _score(bundle, analysis, original)
        progress("scores", 0.8)
        scores = first_score, _score(other, second, original)
    progress("scores", 1)
    return Comparison(
        first=analysis,
        second=second,
        same_acoustic=_same_mel(bundle, other) and _same_weights(bundle.acoustic, other.acoustic),
        same_vocoder=bundle.vocoder.to_json() == other.vocoder.to_json()
        and _same_weights(bundle.vocoder, other.vocoder),
        heard_db=(before, after),
        difference_db=after - before,
        change_db=change_db,
        spoken=spoken,
        mean_change_db=mean_changes(change_db, spoken),
        mcd_db=mcd(before[spoken], after[spoken]) if len(spoken) else None,
        scores=scores,
    )


def _score(bundle: Bundle, analysis: Analysis, original: Sound) -> dict[str, float | None]:
    return score(read_reference(*original, bundle.mel, len(analysis.mel_db)), analysis.mel_db, analysis.audio)


def _same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have equal weights, whatever the precision of their files."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def _same_mel(one: Bundle, other: Bundle) -> bool:
    scalers = zip((one.scaler.mean, one.scaler.std), (other.scaler.mean, other.scaler.std), strict=True)
    return one.mel == other.mel and one.frames == other.frames and all(np.array_equal(a, b) for a, b in scalers)
