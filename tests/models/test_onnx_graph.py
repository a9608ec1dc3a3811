"""The CNN's ONNX graph: the same numbers as PyTorch's, and never another network's."""

import hashlib
import json
import shutil
import sys

import numpy as np
import pytest
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.features import FeatureExtractor
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.onnx_graph import FILE
from rtmri2speech.progress import Progress
from tests.conftest import make_bundle, moving_frames


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return prepare_frames(moving_frames(9), 256)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cnn", "half"),
    [("tf_efficientnetv2_b2", False), ("mobilenetv4_conv_small", False), ("mobilenetv4_conv_small", True)],
)
def test_graph_computes_what_the_loaded_weights_do(tmp_path, frames, cnn, half):
    make_bundle(cnn).save(tmp_path / "b", half=half)
    bundle = load_bundle(tmp_path / "b")
    extract = FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx)
    assert extract.engine == "onnxruntime"
    told = []
    maps = extract.last_maps([frames[:5], frames[5:]], 9)
    means = extract([frames[:5], frames[5:]], 9, Progress(lambda *step: told.append(step)))
    with torch.no_grad():
        plain = bundle.acoustic.feature_maps(torch.from_numpy(frames)[:, None])
    torch.testing.assert_close(maps, plain, rtol=1e-3, atol=2e-4 * float(plain.abs().max()))
    torch.testing.assert_close(means, maps.mean(dim=(2, 3)))
    assert told == [("frames", 5, 9), ("frames", 9, 9)]


def test_the_number_of_threads_changes_no_bit(bundle_folder, frames):
    bundle, found = load_bundle(bundle_folder), []
    threads = torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx).last_maps([frames], 9))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)


def test_bf16_and_machines_without_onnx_runtime_take_pytorch(bundle_folder, frames, monkeypatch):
    bundle = load_bundle(bundle_folder)
    assert FeatureExtractor(bundle.acoustic, torch.bfloat16, bundle.onnx).engine == "torch"
    fast = FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx).last_maps([frames], 9)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    extract = FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx)
    assert extract.engine == "torch"
    slow = extract.last_maps([frames], 9)
    torch.testing.assert_close(fast, slow, rtol=1e-3, atol=2e-4 * float(slow.abs().max()))


def test_bundles_without_a_graph_work(bundle_folder, tmp_path, frames):
    folder = shutil.copytree(bundle_folder, tmp_path / "b")
    (folder / FILE).unlink()
    description = json.loads((folder / "bundle.json").read_text())
    del description["sha256"][FILE]
    (folder / "bundle.json").write_text(json.dumps(description))
    bundle = load_bundle(folder)
    assert bundle.onnx is None
    assert FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx).engine == "torch"


@pytest.mark.parametrize("what", ["another network", "no graph"])
def test_a_graph_that_is_not_the_models_is_refused(bundle_folder, tmp_path, what):
    folder = shutil.copytree(bundle_folder, tmp_path / "b")
    if what == "no graph":
        (folder / FILE).write_bytes(b"no graph at all")
    else:
        other = make_bundle()
        for weight in other.acoustic.cnn.parameters():
            torch.nn.init.normal_(weight, std=0.3)
        other.save(tmp_path / "other")
        shutil.copy(tmp_path / "other" / FILE, folder / FILE)
    description = json.loads((folder / "bundle.json").read_text())
    description["sha256"][FILE] = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(description))
    bundle = load_bundle(folder)
    with pytest.raises(InputError, match="acoustic_cnn.onnx"):
        FeatureExtractor(bundle.acoustic, torch.float32, bundle.onnx)
