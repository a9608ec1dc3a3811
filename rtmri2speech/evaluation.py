"""How well a bundle speaks a clip, against the clip's own sound; with the ceiling and the floor beside it."""

import numpy as np
import torch

from .analysis import analyse, vocode
from .audio import resample
from .clip import Clip
from .errors import InputError
from .mel import band_bins, mel_spectrogram_db
from .metrics import evaluate_mels, evaluate_waveforms
from .models.bundle import Bundle
from .spec import DEFAULT_BANDS

SPEECH_RANGE_DB = 40.0
CANDIDATES = {
    "synthesis": "speech synthesised from the frames",
    "copy_synthesis": "the vocoder on the reference's own mel: the ceiling",
    "mean_mel": "the vocoder on the mean mel of the training data: the floor",
}


def evaluate_clip(bundle: Bundle, clip: Clip) -> dict:
    """Metrics (metrics.py) of each of CANDIDATES against the clip's own sound.

    The mel metrics count speech frames only: those whose mean level is within 40 dB of the loudest one's, since
    silence has no spectrum to compare. Returns {candidate: {metric: value}, "frames": T, "speech_frames": n,
    "duration_s": seconds, "audio_mismatch_s": sound's duration minus the pictures'}; a value is None where a metric is
    not defined or its package is missing.
    Raises InputError if the clip has no sound, or a silent one.
    """
    if clip.audio is None:
        raise InputError(f"{clip.source} has no sound to compare with: give clips with reference audio.")
    spec, hop = bundle.mel, bundle.mel.hop_length
    analysis = analyse(bundle, clip, bands=())
    count = len(analysis.mel_db)
    reference = resample(clip.audio, clip.audio_rate, spec.sample_rate)[: count * hop]
    reference = np.pad(reference, (0, count * hop - len(reference)))
    if not np.abs(reference).max() > 1e-4:
        raise InputError(f"The sound of {clip.source} is silent: there is nothing to compare with.")
    reference_mel = mel_spectrogram_db(torch.from_numpy(reference), spec).numpy()
    mean_mel = np.tile(bundle.scaler.mean, (count, 1))
    candidates = {
        "synthesis": (analysis.mel_db, analysis.audio),
        "copy_synthesis": (reference_mel, vocode(bundle, torch.from_numpy(reference_mel))),
        "mean_mel": (mean_mel, vocode(bundle, torch.from_numpy(mean_mel))),
    }
    level = reference_mel.mean(axis=1)
    speech = np.flatnonzero(level > level.max() - SPEECH_RANGE_DB)
    bins = {band.name: band_bins(spec, band) for band in DEFAULT_BANDS}
    result = {
        name: evaluate_mels(reference_mel[speech], mel[speech], bins) | _waveform_metrics(reference, audio, spec)
        for name, (mel, audio) in candidates.items()
    }
    return result | {
        "frames": count,
        "speech_frames": len(speech),
        "duration_s": clip.duration,
        "audio_mismatch_s": len(clip.audio) / clip.audio_rate - clip.duration,
    }


def _waveform_metrics(reference: np.ndarray, candidate: np.ndarray, spec) -> dict:
    length = min(len(reference), len(candidate))  # the thesis' framing makes copy-synthesis a few frames shorter
    return evaluate_waveforms(reference[:length], spec.sample_rate, candidate[:length], spec.sample_rate)


def mean_over_clips(results: list[dict]) -> dict:
    """{candidate: {metric: mean over the clips in which it is defined, or None}}."""
    means = {}
    for candidate in CANDIDATES:
        means[candidate] = {}
        for metric in results[0][candidate]:
            values = [r[candidate][metric] for r in results if r[candidate][metric] is not None]
            means[candidate][metric] = float(np.mean(values)) if values else None
    return means
