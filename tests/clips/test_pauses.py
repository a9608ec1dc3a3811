"""Pauses of phantoms, whose speech is known, and of real clips, by a model that babbles."""

from pathlib import Path

import numpy as np
import pytest

from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.frame_rate import retime
from rtmri2speech.clips.pauses import pauses, reference_mel_db, silent_in, still_frames
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler, silent_frames

CLIPS = Path(__file__).parents[2] / "assets" / "clips"
MEL = MelSpec()
SCALER = Scaler(np.full(64, -40.0), np.full(64, 10.0))
REST = 20  # frames, 0.7 s


@pytest.fixture(scope="module", params=["sakura_known_speaker", "arigatou_new_speaker", "mite_kudasai_known_speaker"])
def spoken(request):
    """A phantom's frames, its sound, and where that is silent, after REST frames without movement."""
    clip = read_clip(CLIPS / f"{request.param}.mp4")
    frames = retime(clip, MEL.fps)
    silent = silent_frames(reference_mel_db(clip.sound, MEL, len(frames)), MEL.fps)
    frames = np.concatenate([np.repeat(frames[:1], REST, axis=0), frames])
    noise = np.random.default_rng(0).integers(0, 4, frames.shape, np.uint8)  # no recording is without
    return np.minimum(frames, 251) + noise, clip.sound, np.concatenate([np.ones(REST, bool), silent])


def babble(count: int) -> np.ndarray:
    """As loud in pauses as in speech."""
    level = np.random.default_rng(0).normal(-26, 2, (count, 1))
    return np.repeat(level, 64, axis=1)


def test_where_the_picture_stands_still_a_babbling_model_is_not_believed(spoken):
    frames, _, silent = spoken
    found = pauses(babble(len(frames)), MEL, SCALER, frames)
    assert found[2 : REST - 4].all() and not found[~silent].any()
    assert not silent_frames(babble(len(frames)), MEL.fps, SCALER.faint_db).any()  # by itself it is never silent


def test_a_model_that_follows_the_picture_is_believed_in_a_vowel_that_is_held(spoken):
    frames, _, silent = spoken
    middle = int(np.flatnonzero(~silent)[len(np.flatnonzero(~silent)) // 2])
    order = np.concatenate([np.arange(middle), np.full(REST, middle), np.arange(middle, len(frames))])
    speech = np.where(silent[order], -70.0, -20.0)
    found = pauses(np.repeat(speech[:, None], 64, axis=1), MEL, SCALER, frames[order])
    assert still_frames(frames[order], MEL.fps)[middle + 4 : middle + REST - 4].all()
    assert not found[middle : middle + REST].any() and found[:REST].all()


def test_the_reference_speech_tells_its_pauses_also_under_noise(spoken):
    frames, sound, silent = spoken
    frames, silent = frames[REST:], silent[REST:]
    assert (pauses(babble(len(frames)), MEL, SCALER, frames, sound) == silent).mean() == 1
    heard = reference_mel_db(sound, MEL, len(frames))
    noise = -38 + np.random.default_rng(0).normal(0, 1, heard.shape)  # 25 dB below the speech
    noisy = 10 * np.log10(10 ** (heard / 10) + 10 ** (noise / 10))
    found = silent_in(noisy, MEL.fps)
    assert found[silent].mean() > 0.7 and found[~silent].mean() < 0.15
    assert not silent_in(np.full((50, 64), -38.0), MEL.fps).any()  # nothing but noise
    half_a_second = sound[0][: sound[1] // 2], sound[1]
    assert len(reference_mel_db(half_a_second, MEL, len(frames))) == 13  # of what comes later it says nothing


@pytest.mark.parametrize("name", ["lac12112011_13_29_46", "lac12112011_13_30_52", "s2_study6_3"])
def test_real_clips_have_pauses(shared, name):
    frames = retime(read_clip(shared / "rtmri" / f"{name}.avi"), MEL.fps)
    found = pauses(babble(len(frames)), MEL, SCALER, frames)
    assert 0.2 < found.mean() < 0.6
    steps = np.abs(np.diff(frames.astype(float), axis=0)).mean(axis=(1, 2))
    assert steps[found[1:]].mean() < 0.9 * steps[~found[1:]].mean()  # of the whole picture, noise and all
