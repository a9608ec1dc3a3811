"""Assessment: the scores are the metrics' own, the ceiling and floor are what they say, and timing faults are found."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import soxr
import torch
from pystoi import stoi as pystoi

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.speech_quality import (
    CANDIDATES,
    assess,
    evaluate_clip,
    mean_over_clips,
    read_reference,
    speech_frames,
)
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.progress import Progress
from rtmri2speech.speech import metrics
from tests.conftest import moving_frames

FPS = 11413 / 420
FRAMES = 60


@pytest.fixture(scope="module")
def speech(shared):
    """As long as the clip, at 16 kHz, and the rate."""
    sound, rate = soundfile.read(shared / "speech" / "ljspeech" / "LJ001-0004.flac", dtype="float32")
    return soxr.resample(sound, rate, 16000)[: round(FRAMES / FPS * 16000)], 16000


@pytest.fixture(scope="module")
def analysis(bundle):
    return analyse(bundle, Clip(moving_frames(FRAMES), np.arange(FRAMES + 1) / FPS))


@pytest.fixture(scope="module")
def reference(bundle, speech):
    return read_reference(*speech, bundle.mel, FRAMES)


def test_speech_frames_by_hand():
    mel = np.full((4, 64), -30.0)
    mel[1], mel[2] = -54.9, -55.1
    assert speech_frames(mel, 25.0).tolist() == [0, 1, 3]


def test_the_original_itself_is_perfect(bundle, analysis, reference):
    perfect = replace(analysis, audio=reference.audio, mel_db=reference.mel_db)
    made = assess(bundle, perfect, reference)
    scores = made.scores["synthesis"]
    assert scores["stoi"] == pytest.approx(1) and scores["mcd_db"] == 0 and scores["f0_rmse_hz"] == 0
    assert scores["spectral_shape_correlation"] == pytest.approx(1)
    assert made.lag_s == 0 and made.lag_certainty == pytest.approx(1)


def test_scores_are_those_of_the_packages(bundle, analysis, reference):
    made = assess(bundle, analysis, reference)
    assert set(made.scores) == set(CANDIDATES)
    ceiling = vocode(bundle, torch.from_numpy(reference.mel_db))
    floor = vocode(bundle, torch.from_numpy(np.tile(bundle.scaler.mean, (FRAMES, 1))))
    for name, sound in (("synthesis", analysis.audio), ("copy_synthesis", ceiling), ("mean_mel", floor)):
        np.testing.assert_array_equal(made.sounds[name], sound)
        own = pystoi(reference.audio, sound, 11413)  # pystoi's own resampling
        assert made.scores[name]["stoi"] == pytest.approx(own, abs=0.01)
    level = reference.mel_db.mean(axis=1)
    spoken = level > level.max() - 40
    own = metrics.mcd(reference.mel_db[spoken], analysis.mel_db[spoken])
    assert made.scores["synthesis"]["mcd_db"] == pytest.approx(own) and own > 1
    assert made.scores["copy_synthesis"]["mcd_db"] == 0


@pytest.mark.parametrize("late", [-6, 4])
def test_a_late_sound_is_found(bundle, analysis, reference, late):
    shifted = replace(analysis, mel_db=np.roll(reference.mel_db, -late, axis=0))
    made = assess(bundle, shifted, reference)
    assert made.lag_s == pytest.approx(late / FPS) and made.lag_certainty > 0.7


def test_a_sound_of_another_length_is_told(bundle, analysis, speech):
    sound, rate = speech
    longer = np.concatenate([sound, sound[: rate // 2]])
    made = assess(bundle, analysis, read_reference(longer, rate, bundle.mel, FRAMES))
    assert made.mismatch_s == pytest.approx(0.5, abs=1e-3)
    assert len(made.reference.audio) == FRAMES * 420


def test_silence_is_refused(bundle, speech):
    with pytest.raises(InputError, match="silent"):
        read_reference(0 * speech[0], speech[1], bundle.mel, FRAMES)
    clip = Clip(moving_frames(FRAMES), np.arange(FRAMES + 1) / FPS, source="a.mp4")
    with pytest.raises(InputError, match="a.mp4 has no sound"):
        evaluate_clip(bundle, clip)
    with pytest.raises(InputError, match="a.mp4.*silent"):
        evaluate_clip(bundle, replace(clip, audio=0 * speech[0], audio_rate=speech[1]))


def test_evaluate_clip_and_mean(bundle, speech):
    clip = Clip(moving_frames(FRAMES), np.arange(FRAMES + 1) / FPS, *speech)
    result = evaluate_clip(bundle, clip)
    assert result["frames"] == FRAMES and abs(result["audio_mismatch_s"]) < 1e-3
    other = result | {"synthesis": {**result["synthesis"], "stoi": None}}
    assert mean_over_clips([result, other])["synthesis"]["stoi"] == result["synthesis"]["stoi"]
    assert mean_over_clips([other])["synthesis"]["stoi"] is None


def test_progress_can_end_the_work(bundle, analysis, reference):
    shares = []

    def stop(stage, done, total):
        shares.append(done / total)
        if shares[-1] > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        assess(bundle, analysis, reference, Progress(stop))
    assert shares == sorted(shares) and 0.3 < shares[-1] < 0.5
