"""Fitting to a new scanner: statistics of the clips themselves, exactly, and nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.analysis.pipeline import analyse, view_of
from rtmri2speech.assets import ASSETS
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.load import load_bundle

CLIP = sorted((ASSETS / "clips").glob("*.mp4"))[0]


@pytest.fixture(scope="module")
def bundle():
    return load_bundle()


@pytest.fixture(scope="module")
def clip():
    whole = read_clip(CLIP)
    return replace(whole, frames=whole.frames[:32], times_s=whole.times_s[:33])


def norms(bundle):
    return [m for m in bundle.acoustic.cnn.modules() if isinstance(m, nn.BatchNorm2d)]


def test_the_first_layer_has_the_statistics_of_the_clips_pictures(bundle, clip):
    """By hand: the first convolution's output over the clip, its mean and variance."""
    adapted, record = adapt(bundle, [clip])
    pictures = torch.from_numpy(view_of(bundle, clip.frames).prepare(clip.frames, 256))[:, None]
    pooled = nn.functional.avg_pool2d(pictures, bundle.acoustic.config.input_pool)
    first = bundle.acoustic.cnn.conv_stem(pooled)
    assert torch.allclose(norms(adapted)[0].running_mean, first.mean(dim=(0, 2, 3)), rtol=1e-3, atol=1e-4)
    assert torch.allclose(norms(adapted)[0].running_var, first.var(dim=(0, 2, 3)), rtol=2e-2, atol=1e-5)
    assert record.frames == 32 and record.layers == len(norms(bundle)) and record.mean_shift > 0


def test_only_statistics_change_and_the_given_bundle_stays_as_it_is(bundle, clip):
    before = {name: t.clone() for name, t in bundle.acoustic.state_dict().items()}
    adapted, _ = adapt(bundle, [clip])
    after = adapted.acoustic.state_dict()
    assert all(torch.equal(t, before[name]) for name, t in bundle.acoustic.state_dict().items())
    changed = {name for name, t in after.items() if not torch.equal(t, before[name])}
    assert changed and all(name.rsplit(".", 1)[1].startswith(("running_", "num_batches")) for name in changed)
    assert adapted.training["adapted"]["from"] == bundle.name and "/" not in adapted.training["adapted"]["clips"][0]


def test_a_share_lies_between(bundle, clip):
    whole, half = (norms(adapt(bundle, [clip], share)[0])[3].running_mean for share in (1.0, 0.5))
    assert torch.allclose(half, 0.5 * (whole + norms(bundle)[3].running_mean), atol=1e-5)


@pytest.mark.slow
def test_brightness_of_a_layer_no_longer_matters(bundle, clip):
    """A scanner whose pictures are compressed: fitted to it, the mel is nearer to that of the pictures as they were."""
    dark = replace(clip, frames=(255 * (clip.frames / 255.0) ** 2.2).astype(np.uint8))
    true = analyse(adapt(bundle, [clip])[0], clip, bands=(), speak=False).mel_db
    plain, fitted = (analyse(b, dark, bands=(), speak=False).mel_db for b in (bundle, adapt(bundle, [dark])[0]))
    assert np.abs(fitted - true).mean() < np.abs(plain - true).mean()


def test_what_cannot_be_fitted_is_refused(bundle, clip):
    short = replace(clip, frames=clip.frames[:8], times_s=clip.times_s[:9])
    with pytest.raises(InputError, match="needed to fit"):
        adapt(bundle, [short])
    with pytest.raises(InputError, match="share"):
        adapt(bundle, [clip], 0.0)


@pytest.mark.slow
def test_the_command_makes_a_bundle_with_a_graph_of_its_own(bundle, tmp_path, capsys):
    output = tmp_path / "fitted"
    assert main(["adapt", str(CLIP), "-o", str(output), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    made = load_bundle(output)
    assert made.name == f"{bundle.name}, fitted" and told["layers"] == len(norms(made)) and made.stored_as_half
    assert made.sha256["acoustic_cnn.onnx"] != bundle.sha256["acoustic_cnn.onnx"]
    assert analyse(made, read_clip(CLIP), bands=(), speak=False, precision="fp32").engine == "onnxruntime"
    assert main(["adapt", str(CLIP), "-o", str(output)]) == 2
