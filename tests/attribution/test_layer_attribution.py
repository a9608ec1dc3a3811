"""Maps of earlier stages against plain autograd over the whole model in float64."""

import copy

import cv2
import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.grad_cam import gradients, last_cams
from rtmri2speech.attribution.layer_attribution import LayerAttribution, stages
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.preprocessing import blurred, prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.features import FeatureExtractor
from rtmri2speech.spec import DEFAULT_BANDS, F2
from rtmri2speech.speech.mel import band_bins
from tests.conftest import lively_bundle, make_bundle, moving_frames

T, SIZE, BATCH = 5, 128, 2  # more frames than go at once


@pytest.fixture(scope="module", params=["lcnet_050", "tf_efficientnetv2_b2", "resnet10t"])
def scene(request):
    bundle = make_bundle(request.param)
    return bundle, prepare_frames(moving_frames(T), SIZE), band_bins(bundle.mel, DEFAULT_BANDS[1])


def oracle(bundle, frames, bins, objective, grid):
    """HiResCAM by autograd through the whole network in float64, one backward pass for each frame's energy."""
    model = copy.deepcopy(bundle.acoustic).double()
    kept = []

    def keep(module, inputs, output):
        if output.dim() == 4 and output.shape[-2:] == (grid, grid):
            kept.append(output)

    for name, module in model.cnn.named_modules():
        if name.count(".") <= 1 and name:  # blocks of the network, not the layers inside them
            module.register_forward_hook(keep)
    maps = model.cnn(torch.from_numpy(frames)[:, None].double().requires_grad_(True))[-1]
    mel = model.mel_from_features(maps.mean(dim=(2, 3))[None])[0]
    mean, std = (torch.from_numpy(x.astype(np.float64)) for x in (bundle.scaler.mean, bundle.scaler.std))
    energy = 10 * torch.log10((10 ** ((mel * std + mean) / 10))[:, bins].sum(dim=1))
    finest_of_grid = kept[-1]
    if objective == "sequence":
        (slope,) = torch.autograd.grad(energy.mean(), finest_of_grid)
    else:
        slope = torch.stack(
            [torch.autograd.grad(energy[t], finest_of_grid, retain_graph=True)[0][t] for t in range(len(energy))]
        )
    return (slope * finest_of_grid).sum(dim=1).detach().numpy()


@pytest.fixture(autouse=True)
def few_frames_at_once(monkeypatch):
    monkeypatch.setattr("rtmri2speech.attribution.layer_attribution.BATCH", BATCH)


@pytest.mark.parametrize("objective", ["frame", "sequence"])
def test_maps_of_every_stage_equal_autograd_through_everything(scene, objective):
    bundle, frames, bins = scene
    maps = FeatureExtractor(bundle.acoustic).last_maps([frames], len(frames))
    features = maps.mean(dim=(2, 3))
    slopes = gradients(bundle.acoustic, bundle.scaler, features, {"F2": band_energy(bins)}, objective)
    for grid in (4, 8, 16):
        cams = LayerAttribution(bundle.acoustic, SIZE, grid)(slopes, [frames[:3], frames[3:]])["F2"]
        expected = oracle(bundle, frames, bins, objective, grid)
        assert cams.shape == (T, grid, grid) and np.abs(expected).max() > 0
        assert np.linalg.norm(cams - expected) < 1e-3 * np.linalg.norm(expected)
        if grid == 4:
            np.testing.assert_allclose(cams, last_cams(slopes, maps)["F2"], atol=1e-4 * np.abs(expected).max())


def maps_at(model, frames, grid, instead=None):
    """The CNN's last block with grid x grid cells in float64, and the pooled features; `instead` takes its place."""
    kept, blocks = [], [m for name, m in model.cnn.named_modules() if name and name.count(".") <= 1]

    def keep(module, inputs, output):
        if output.dim() == 4 and output.shape[-2:] == (grid, grid):
            kept.append((module, output))

    handles = [block.register_forward_hook(keep) for block in blocks]
    x = torch.from_numpy(frames)[:, None].double()
    pooled = model.cnn(x)[-1].mean(dim=(2, 3))
    for handle in handles:
        handle.remove()
    module, output = kept[-1]
    if instead is not None:
        handle = module.register_forward_hook(lambda *_: instead.clone())
        pooled = model.cnn(x)[-1].mean(dim=(2, 3))
        handle.remove()
    return output, pooled


@pytest.mark.parametrize("cnn", ["lcnet_050", "resnet10t"])
def test_maps_against_the_blurred_frame_equal_autograd_and_add_up_to_what_blurring_changes(cnn):
    bundle = lively_bundle(moving_frames(T), cnn)  # else blurring changes next to nothing
    frames, bins = prepare_frames(moving_frames(T), SIZE), band_bins(bundle.mel, DEFAULT_BANDS[1])
    features = FeatureExtractor(bundle.acoustic)([frames], len(frames))
    slopes = gradients(bundle.acoustic, bundle.scaler, features, {"F2": band_energy(bins)})
    model = copy.deepcopy(bundle.acoustic).double()
    for grid in (4, 8, 16):
        cams = LayerAttribution(bundle.acoustic, SIZE, grid, "blur")(slopes, [frames])["F2"]
        own, pooled = maps_at(model, frames, grid)
        other, pooled_blurred = maps_at(model, blurred(frames), grid)
        midway = ((own + other) / 2).detach().requires_grad_(True)
        _, pooled_midway = maps_at(model, frames, grid, instead=midway)
        (slope,) = torch.autograd.grad((pooled_midway * slopes["F2"].double()).sum(), midway)
        expected = (slope * (own - other)).sum(dim=1).detach().numpy()
        assert np.abs(expected).max() > 0
        assert np.linalg.norm(cams - expected) < 1e-2 * np.linalg.norm(expected)
        if grid == 4:  # behind the last maps all is linear: there it is exact
            change = ((pooled - pooled_blurred) * slopes["F2"]).sum(dim=1).detach().numpy()
            np.testing.assert_allclose(cams.sum(axis=(1, 2)), change, rtol=2e-2, atol=2e-3 * np.abs(change).max())


def test_blurring_keeps_brightness_and_nothing_else():
    frames = prepare_frames(moving_frames(3, 256, 256), 256)
    plain = cv2.GaussianBlur(frames[1], (0, 0), 0.08 * 256)
    soft = blurred(frames)
    assert np.abs(soft[1] - plain).max() < 0.02 and soft.shape == frames.shape
    assert soft[1].mean() == pytest.approx(frames[1].mean(), abs=0.01)
    np.testing.assert_allclose(blurred(np.full((1, 64, 64), 0.3, np.float32)), 0.3, atol=1e-6)


def test_the_grids_a_bundle_has():
    thesis = AcousticModel(AcousticConfig())
    assert list(stages(thesis, 256)) == [8, 16, 32, 64, 128]
    small = AcousticModel(AcousticConfig(cnn="mobilenetv4_conv_small", output_stride=16, input_pool=2))
    assert list(stages(small, 256)) == [8, 16, 32, 64]


def test_nothing_is_left_of_the_cut(bundle):
    frames = moving_frames(6)
    clip = Clip(frames, np.arange(7) / bundle.fps)
    before = {name: value.clone() for name, value in bundle.acoustic.state_dict().items()}
    fine = analyse(bundle, clip, method="hirescam", resolution=16, speak=False, precision="fp32")
    assert fine.cam["F1"].shape == (6, 16, 16) and fine.heatmap("F1").shape == (6, 256, 256)
    assert all(torch.equal(value, before[name]) for name, value in bundle.acoustic.state_dict().items())
    assert not any(module._forward_hooks for module in bundle.acoustic.modules())
    coarse = analyse(bundle, clip, speak=False, precision="fp32")
    np.testing.assert_array_equal(coarse.mel_db, fine.mel_db)
    with pytest.raises(InputError, match="8, 16, 32, 64, 128 cells along a side, not 10"):
        analyse(bundle, clip, method="hirescam", resolution=10)


def test_what_another_analysis_found_of_the_clip_is_not_found_again(bundle, monkeypatch):
    clip = Clip(moving_frames(12), np.arange(13) / bundle.fps)
    first = analyse(bundle, clip, method="layer-ig", resolution=16, silence="show")
    anew = analyse(bundle, clip, [F2], method="layer-ig", resolution=16, silence="show", speak=False)

    def again(*_):
        raise AssertionError("the CNN's features are found again")

    monkeypatch.setattr("rtmri2speech.analysis.pipeline.FeatureExtractor", again)
    kept = analyse(bundle, clip, [F2], method="layer-ig", resolution=16, silence="show", speak=False, known=first)
    np.testing.assert_allclose(kept.cam["F2"], anew.cam["F2"], atol=1e-6 * np.abs(anew.cam["F2"]).max())
    np.testing.assert_array_equal(kept.mel_db, anew.mel_db)
    assert kept.engine == anew.engine
    for other in ({"method": "grad-cam"}, {"method": "layer-ig", "resolution": 16, "precision": "bf16"}):
        with pytest.raises(AssertionError, match="found again"):  # Grad-CAM needs the CNN's last maps
            analyse(bundle, clip, [F2], speak=False, known=first, **other)


def test_the_last_maps_of_a_clip_are_kept_only_where_a_method_needs_them(bundle, monkeypatch):
    clip, asked = Clip(moving_frames(12), np.arange(13) / bundle.fps), []
    whole = FeatureExtractor.last_maps
    monkeypatch.setattr(FeatureExtractor, "last_maps", lambda *given: asked.append(1) or whole(*given))
    analyse(bundle, clip, method="layer-ig", resolution=8, speak=False)
    analyse(bundle, clip, [], speak=False)
    assert not asked
    analyse(bundle, clip, method="grad-cam", speak=False)
    assert asked == [1]
