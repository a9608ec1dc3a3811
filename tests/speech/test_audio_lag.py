"""The estimate of how late the sound is: right to a frame on mels moved by a known time, unsure of noise."""

import numpy as np
import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.speech.audio_lag import LONGEST_LAG_S, SURE, speech_lag

FPS = 11413 / 420


def speech_like(frames, seed=0):
    """(frames, 64) dB: a spectrum that drifts from frame to frame, with silence at both ends."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 1.5, (frames, 4)).cumsum(axis=0)
    shapes = np.cos(np.pi * np.arange(4)[:, None] * (np.arange(64) + 0.5) / 64)
    mel = -30 + (steps - steps.mean(axis=0)) @ shapes
    mel[:10] = mel[-10:] = -90
    return mel


def predicted_from(mel, seed=1):
    """What a mediocre model makes of it: half the movement, smeared, and noise."""
    smeared = (mel + np.roll(mel, 1, axis=0) + np.roll(mel, -1, axis=0)) / 3
    return -40 + 0.5 * (smeared + 30) + np.random.default_rng(seed).normal(0, 4, mel.shape)


@pytest.mark.parametrize("late", [-12, -5, -1, 0, 2, 9, 13])
def test_finds_the_shift_to_within_a_frame(late):
    mel = speech_like(120)
    sound = np.roll(mel, late, axis=0)
    lag_s, certainty = speech_lag(predicted_from(mel), sound, FPS)
    assert lag_s == pytest.approx(late / FPS, abs=1.01 / FPS) and certainty > SURE


def test_never_beyond_half_a_second():
    mel = speech_like(120)
    lag_s, _ = speech_lag(predicted_from(mel), np.roll(mel, 25, axis=0), FPS)
    assert abs(lag_s) <= LONGEST_LAG_S + 0.5 / FPS


def test_noise_is_not_certain():
    noise = np.random.default_rng(0).normal(-50, 10, (2, 150, 64))
    assert speech_lag(*noise, FPS)[1] < SURE


def test_nothing_to_compare():
    mel = speech_like(120)
    assert speech_lag(mel[:20], mel[:20], FPS) == (None, 0.0)
    assert speech_lag(np.full_like(mel, -40), mel, FPS) == (None, 0.0)
    with pytest.raises(InputError, match="different bins"):
        speech_lag(mel[:, :40], mel, FPS)


def test_lengths_may_differ():
    mel = speech_like(120)
    assert speech_lag(predicted_from(mel), np.roll(mel, 3, axis=0)[:100], FPS)[0] == pytest.approx(
        3 / FPS, abs=1.01 / FPS
    )
