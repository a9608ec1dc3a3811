"""Formant tracks of the embedded phantoms against the resonances of the tracts that made them."""

import numpy as np
import pytest

from rtmri2speech.analysis.formants import formant_tracks
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.formant_tracks import ceiling_of, measured_track
from rtmri2speech.speech.voice import Voice

CLIP = ASSETS / "clips" / "aiueo_known_speaker.mp4"


@pytest.fixture(scope="module")
def analysis():
    return analyse(load_bundle(), read_clip(CLIP), [], voice=Voice(whisper=True))


@pytest.fixture(scope="module")
def tracks(analysis):
    return formant_tracks(analysis, analysis.clip.sound, CLIP)


def errors(measured: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Median relative error of F1 to F3 where both are known."""
    return np.nanmedian(np.abs(measured - truth) / truth, axis=0)


def test_the_truth_is_that_of_the_file_where_the_folds_vibrate(tracks):
    with np.load(CLIP.with_name(f"{CLIP.stem}.truth.npz")) as data:
        voiced, expected = data["f0_hz"] > 0, data["formants_hz"][:, :3]
    truth = tracks["truth"].hz
    assert 20 < voiced.sum() < len(voiced)
    np.testing.assert_allclose(truth[voiced], expected[voiced])
    assert np.isnan(truth[~voiced]).all()


def test_the_originals_formants_are_near_the_truth_and_nowhere_without_voice(tracks):
    original, truth = tracks["original"], tracks["truth"].hz
    assert not original.whispered
    assert (errors(original.hz, truth) < (0.06, 0.04, 0.04)).all()
    assert np.isnan(original.hz[np.isnan(truth[:, 0])]).mean() > 0.9


def test_the_whispered_speech_is_told_so_and_is_measured_where_it_speaks(analysis, tracks):
    spoken = tracks["synthesised"]
    assert spoken.whispered and analysis.f0_hz is None
    assert np.isnan(spoken.hz[analysis.silent]).all()
    assert np.isfinite(spoken.hz[analysis.speech]).mean() > 0.7
    assert (errors(spoken.hz, tracks["truth"].hz) < 0.15).all()


def test_what_is_not_there_has_no_track(analysis, tmp_path):
    assert set(formant_tracks(analysis, None, tmp_path / "own.mp4")) == {"synthesised"}
    short = np.zeros(100, np.float32), 16000
    assert np.isnan(formant_tracks(analysis, short)["original"].hz).all()


def test_a_file_that_is_no_truth_is_named(analysis, tmp_path):
    np.savez(tmp_path / "x.truth.npz", labels=np.zeros(3))
    with pytest.raises(InputError, match=r"x\.truth\.npz is not the truth"):
        formant_tracks(analysis, None, tmp_path / "x.mp4")


def test_a_reference_of_a_low_rate_leaves_other_sounds_their_ceiling_and_its_own_formants_where_they_are():
    """Of 8 kHz, half the bins of a speaker's ceiling of 5,500 Hz are missing; F1 and F2 are not."""
    clip = read_clip(sorted((ASSETS / "clips").glob("*.mp4"))[0])
    samples, rate = clip.sound
    low = resample(samples, rate, 8000), 8000
    times_s = np.arange(0.1, clip.duration - 0.1, 0.05)
    ceiling_hz = ceiling_of((samples, rate), times_s)
    assert ceiling_of(low, times_s) == ceiling_hz > 4000
    still = np.zeros(len(times_s), bool)
    full = measured_track((samples, rate), times_s, ceiling_hz, False, still).hz
    part = measured_track(low, times_s, ceiling_hz, False, still).hz
    both = np.isfinite(full[:, :2]) & np.isfinite(part[:, :2])
    assert both.sum() > 0.8 * np.isfinite(full[:, :2]).sum()
    errors = np.abs(part[:, :2] / full[:, :2] - 1)[both]
    assert np.median(errors) < 0.03
