"""Grad-CAM against plain autograd over the whole model in float64."""

import copy

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.grad_cam import gradients, last_cams
from rtmri2speech.attribution.normalisation import clip_scale, display_grid
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.features import FeatureExtractor
from rtmri2speech.spec import DEFAULT_BANDS
from rtmri2speech.speech.mel import band_bins
from tests.conftest import make_bundle, moving_frames

T = 7


@pytest.fixture(scope="module", params=["lcnet_050", "tf_efficientnetv2_b2"])
def scene(request):
    bundle = make_bundle(request.param)
    frames = prepare_frames(moving_frames(T), 64)
    bins = {band.name: band_bins(bundle.mel, band) for band in DEFAULT_BANDS}
    return bundle, frames, bins


def oracle(bundle, frames, bins, objective, energy):
    """(cams, hirescams) of one band by autograd through the whole network, in float64, frame by frame."""
    model = copy.deepcopy(bundle.acoustic).double()
    maps = model.cnn(torch.from_numpy(frames)[:, None].double())[-1].requires_grad_(True)
    mel = model.mel_from_features(maps.mean(dim=(2, 3))[None])[0]
    mean, std = (torch.from_numpy(x.astype(np.float64)) for x in (bundle.scaler.mean, bundle.scaler.std))
    power = (10 ** ((mel * std + mean) / 10))[:, bins].sum(dim=1)
    e = 10 * torch.log10(power) if energy == "db" else power
    grads = []
    for target in [e[t] for t in range(len(e))] if objective == "frame" else [e.mean()]:
        maps.grad = None
        target.backward(retain_graph=True)
        grads.append(maps.grad.clone())
    grad = torch.stack([g[t] for t, g in enumerate(grads)]) if objective == "frame" else grads[0]
    grad_cam = (grad.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1)
    hires_cam = (grad * maps).sum(dim=1)
    return grad_cam.detach().numpy(), hires_cam.detach().numpy()


@pytest.mark.slow
@pytest.mark.parametrize("energy", ["db", "power"])
@pytest.mark.parametrize("objective", ["frame", "sequence"])
def test_cams_equal_autograd_through_everything(scene, objective, energy):
    bundle, frames, bins = scene
    maps = FeatureExtractor(bundle.acoustic).last_maps([frames], len(frames))
    features = maps.mean(dim=(2, 3))
    targets = {name: band_energy(b, energy) for name, b in bins.items()}
    cams = last_cams(gradients(bundle.acoustic, bundle.scaler, features, targets, objective), maps)
    for name, b in bins.items():
        grad_cam, hires_cam = oracle(bundle, frames, b, objective, energy)
        assert np.abs(grad_cam).max() > 0
        assert np.linalg.norm(cams[name] - grad_cam) < 1e-4 * np.linalg.norm(grad_cam)
        np.testing.assert_allclose(grad_cam, hires_cam, rtol=1e-9, atol=1e-12 * np.abs(grad_cam).max())


def test_model_is_untouched(bundle):
    clip = Clip(moving_frames(6), np.arange(7) / bundle.fps)
    before = {k: v.clone() for k, v in bundle.acoustic.state_dict().items()}
    analyse(bundle, clip)
    assert not bundle.acoustic.training and not bundle.vocoder.training
    assert all(p.grad is None for p in bundle.acoustic.parameters())
    assert all(torch.equal(v, before[k]) for k, v in bundle.acoustic.state_dict().items())


def test_the_clips_scale_is_that_of_its_speech_but_not_of_next_to_nothing():
    cam = np.repeat([8.0, 4.0, 0.01, -4.0], 10)[:, None]  # silence is the hottest
    assert clip_scale(cam) == 8
    assert clip_scale(cam, np.arange(10, 20)) == 4
    assert clip_scale(cam, np.arange(20, 40)) == 1  # a quarter of what speaks against
    assert clip_scale(cam, np.arange(0)) == 8  # nobody speaks
    grid = display_grid(cam[..., None], "clip", np.arange(10, 20))
    assert grid[0] == grid[10] == 1 and grid[20] == pytest.approx(0.0025) and grid[30] == 0


def test_display_keeps_a_weak_frame_weak():
    cam = np.zeros((100, 8, 8), np.float32)
    cam[:, 2, 3] = 1.0
    cam[:, 4, 4] = -3.0
    cam[7] *= 0.01
    by_clip, by_frame = display_grid(cam, "clip"), display_grid(cam, "frame")
    assert by_clip[0, 2, 3] == 1 and by_clip[7, 2, 3] == pytest.approx(0.01, rel=0.05)
    assert by_frame[7, 2, 3] == 1
    assert by_clip[:, 4, 4].max() == 0
    assert display_grid(np.full((3, 8, 8), -1.0), "clip").max() == 0
