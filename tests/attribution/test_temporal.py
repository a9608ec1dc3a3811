"""How far a frame's sound came from, against plain autograd in float64."""

import copy

import numpy as np
import pytest
import torch

from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.attribution.temporal import TemporalAttribution, contributions, temporal_attribution
from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.features import FeatureExtractor
from rtmri2speech.spec import F1, F2, Band
from rtmri2speech.speech.mel import band_bins
from tests.conftest import lively_bundle, moving_frames

T = 13


@pytest.fixture(scope="module")
def bundle():
    return lively_bundle(moving_frames(T))


def test_every_pair_equals_gradient_times_input_by_autograd(bundle):
    frames, bins = prepare_frames(moving_frames(T), 64), band_bins(bundle.mel, F2)
    features = FeatureExtractor(bundle.acoustic)([frames], T)
    found = contributions(bundle.acoustic, bundle.scaler, features, band_energy(bins))
    model, g = copy.deepcopy(bundle.acoustic).double(), features.double().requires_grad_(True)
    mel = model.mel_from_features(g[None])[0]
    mean, std = (torch.from_numpy(x.astype(np.float64)) for x in (bundle.scaler.mean, bundle.scaler.std))
    energies = 10 * torch.log10((10 ** ((mel * std + mean) / 10))[:, bins].sum(dim=1))
    expected = np.stack(
        [(torch.autograd.grad(e, g, retain_graph=True)[0] * g).sum(dim=1).detach().numpy() for e in energies]
    )
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    assert np.abs(np.tril(expected, -1)).max() > 0 < np.abs(np.triu(expected, 1)).max()  # it looks both ways


def test_a_clip_is_told_in_words(bundle):
    clip = Clip(moving_frames(T), np.arange(T + 1) / bundle.fps)
    made = temporal_attribution(bundle, clip, F1)
    assert made.contributions.shape == (T, T)
    np.testing.assert_allclose(made.shares.sum(axis=1), 1, rtol=1e-5)
    with pytest.raises(InputError, match="not a box"):
        temporal_attribution(bundle, clip, Band("a", 300, 900, 0, 1))
    contributed = np.zeros((4, 4), np.float32)
    contributed[2] = [-1, 2, 4, 3]
    made = TemporalAttribution(F1, 27.0, contributed, np.array([True, True, False, True]))
    assert made.told(2) == "90% from the frame itself and its two neighbours, 10% from before, 0% from after"
    np.testing.assert_allclose(made.by_lag(2), [0.1, 0.2, 0.4, 0.3, 0])


def test_shares_around_each_frame_and_beyond():
    rng = np.random.default_rng(0)
    made = TemporalAttribution(F1, 27.0, rng.normal(size=(9, 9)).astype(np.float32), np.zeros(9, bool))
    found, shares = made.near(2), made.shares
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[4], [shares[4, :2].sum(), *shares[4, 2:7], shares[4, 7:].sum()], rtol=1e-5)
    np.testing.assert_allclose(found[0], [0, 0, 0, *shares[0, :3], shares[0, 3:].sum()], rtol=1e-5)
    np.testing.assert_allclose(found[7], [shares[7, :5].sum(), *shares[7, 5:], 0, 0], rtol=1e-5)


def test_a_clip_too_long_is_a_sentence(bundle, monkeypatch):
    monkeypatch.setattr("rtmri2speech.attribution.temporal.LONGEST", 5)
    with pytest.raises(InputError, match="The clip has 13 frames"):
        temporal_attribution(bundle, Clip(moving_frames(T), np.arange(T + 1) / bundle.fps), F1)
