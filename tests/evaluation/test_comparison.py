"""Two bundles on one clip: what they share is told by their weights, and differences are those of what is heard."""

import copy
from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import Clip
from rtmri2speech.evaluation.comparison import compare
from rtmri2speech.models.load import load_bundle
from rtmri2speech.progress import Progress
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech import metrics
from tests.conftest import make_bundle, moving_frames

FPS = 11413 / 420
FRAMES = 40


@pytest.fixture(scope="module")
def analysis(bundle):
    return analyse(bundle, Clip(moving_frames(FRAMES), np.arange(FRAMES + 1) / FPS))


def test_a_bundle_against_itself(bundle, analysis):
    made = compare(bundle, analysis, bundle, None)
    assert made.same_acoustic and made.same_vocoder and made.scores is None
    assert (made.difference_db == 0).all() and made.mcd_db == 0 and set(made.mean_change_db.values()) == {0.0}


def test_the_same_numbers_in_another_file_are_the_same(bundle, analysis, tmp_path):
    bundle.save(tmp_path / "copy")
    made = compare(bundle, analysis, load_bundle(tmp_path / "copy"), None)
    assert made.same_acoustic and made.same_vocoder


@pytest.mark.slow
def test_two_vocoders(bundle, analysis):
    other = copy.copy(bundle)
    other.vocoder = copy.deepcopy(bundle.vocoder)
    with torch.no_grad():
        other.vocoder.conv_post.weight.mul_(0.5)
    made = compare(bundle, analysis, other, None)
    assert made.same_acoustic and not made.same_vocoder
    np.testing.assert_array_equal(made.first.mel_db, made.second.mel_db)
    assert np.abs(made.difference_db).max() > 1
    # independent: librosa's spectrogram of the two sounds, pre-emphasised and framed alike
    centres = librosa.mel_frequencies(66, fmin=0, fmax=11413 / 2)[1:-1]
    inside = (centres >= 300) & (centres <= 900)
    energy = [10 * np.log10(by_librosa(one.audio)[:, inside].sum(axis=1)) for one in (made.first, made.second)]
    np.testing.assert_allclose(made.change_db["F1"], energy[1] - energy[0], atol=0.05)


def by_librosa(audio):
    emphasised = np.append(audio[:1], audio[1:] - 0.97 * audio[:-1])
    padded = np.pad(emphasised, (2048 - 420) // 2, mode="reflect")
    power = librosa.feature.melspectrogram(
        y=padded, sr=11413, n_fft=2048, hop_length=420, n_mels=64, fmin=0, fmax=11413 / 2, center=False
    )
    return np.maximum(power.T, 1e-10)


def test_two_acoustic_models(bundle, analysis):
    other = make_bundle(hidden=16)
    other.vocoder = bundle.vocoder
    made = compare(bundle, analysis, other, None)
    assert not made.same_acoustic and made.same_vocoder
    # other numbers for the same mel also make another one
    scaled = copy.copy(bundle)
    scaled.scaler = replace(bundle.scaler, mean=bundle.scaler.mean + 3)
    assert not compare(bundle, analysis, scaled, None).same_acoustic


def test_bundles_of_different_mels_can_still_be_heard(bundle, analysis):
    made = compare(bundle, analysis, make_bundle(mel=MelSpec(layout="thesis")), None)
    assert made.difference_db.shape == (FRAMES, 64)


def test_scores_of_both(bundle, analysis):
    other = make_bundle(hidden=16)
    rng = np.random.default_rng(0)
    original = (rng.normal(0, 0.1, FRAMES * 420).astype(np.float32), 11413)
    shares = []
    made = compare(bundle, analysis, other, original, Progress(lambda stage, done, total: shares.append(done / total)))
    assert shares == sorted(shares) and shares[-1] == 1
    for scores, result in zip(made.scores, (made.first, made.second), strict=True):
        own = metrics.evaluate_waveforms(original[0], 11413, result.audio, 11413)
        assert scores["stoi"] == own["stoi"] and scores["voicing_error"] == own["voicing_error"]


def test_the_other_bundle_is_asked_in_the_same_way(bundle, analysis):
    """Precision included: it changes the mel by more than bundles may differ."""
    asked = replace(analysis, settings=replace(analysis.settings, precision="bf16", energy="power", silence="show"))
    assert compare(bundle, asked, bundle, None).second.settings == asked.settings
