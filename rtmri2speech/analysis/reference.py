"""The original speech that was given with a clip: does it belong to it, and does it begin with it?"""

from dataclasses import dataclass

import numpy as np
import torch

from ..spec import MelSpec
from ..speech.audio import Sound, fit, resample
from ..speech.audio_lag import SURE, speech_lag
from ..speech.mel import mel_spectrogram_db
from .result import Analysis

SAME_LENGTH_S = 0.15  # a sound and a clip that differ by more were not cut together


@dataclass(frozen=True)
class Fit:
    """How a sound fits a clip. length_s, clip_s: how long both last. lag_s: how much later the sound is than the
    pictures, None where that cannot be told (sync.speech_lag)."""

    length_s: float
    clip_s: float
    lag_s: float | None


def fit_of(sound: Sound, analysis: Analysis, mel: MelSpec) -> Fit:
    """How the sound, (samples,) and its rate, fits the clip of the analysis."""
    count = len(analysis.mel_db)
    samples = fit(resample(*sound, mel.sample_rate), count * mel.hop_length)
    lag_s, sure = speech_lag(
        analysis.mel_db, mel_spectrogram_db(torch.from_numpy(samples), mel).numpy()[:count], mel.fps
    )
    return Fit(len(sound[0]) / sound[1], analysis.clip.duration, lag_s if sure >= SURE else None)


def earlier(sound: Sound, by_s: float) -> Sound:
    """The sound moved earlier: by_s is cut off its beginning; later with silence before it, where by_s is negative."""
    samples, rate = sound
    by = round(by_s * rate)
    return (samples[by:] if by >= 0 else np.concatenate([np.zeros(-by, samples.dtype), samples])), rate
