"""--device on every command that runs a model: the whole path on a CUDA device that is not there
(tests/models/fake_cuda.py), which raises where tensors of two devices meet, and the sentences where there is none."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from rtmri2speech import load_bundle
from rtmri2speech.anatomy.segmenter import segment_regions
from rtmri2speech.cli import main
from rtmri2speech.errors import InputError
from rtmri2speech.models import device
from rtmri2speech.models.device import VARIABLE, choose_device, in_parts
from tests.conftest import moving_frames, write_mp4
from tests.models.fake_cuda import fake_cuda


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("device") / "clip.mp4"
    t = np.arange(int(16000 * 1.5)) / 16000
    voice = (0.3 * np.sign(np.sin(2 * np.pi * 120 * t)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)
    return write_mp4(path, moving_frames(40, 96, 80), Fraction(11413, 420), voice)


@pytest.fixture(autouse=True)
def not_kept(monkeypatch):
    monkeypatch.setenv(VARIABLE, "auto")  # --device sets it; it is as before afterwards


COMMANDS = {
    "synth": ["synth", "{clip}", "-o", "{out}.wav", "--json"],
    "gradcam": ["gradcam", "{clip}", "-o", "{out}"],
    "gradcam, layer-ig": ["gradcam", "{clip}", "-o", "{out}", "--method", "layer-ig"],
    "faithfulness": ["faithfulness", "{clip}", "--regions", "template", "--json"],
    "temporal": ["temporal", "{clip}", "-o", "{out}.npy"],
    "adapt": ["adapt", "{clip}", "-o", "{out}"],
    "export": ["export", "{clip}", "-o", "{out}.zip", "--regions", "template", "--fit"],
}


QUICK = ("synth", "gradcam, layer-ig", "temporal")


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in COMMANDS])
def test_no_command_mixes_devices(name, clip, bundle_folder, tmp_path, monkeypatch, capsys):
    devices = []
    monkeypatch.setattr(
        "rtmri2speech.models.load.choose_device", lambda asked: devices.append(choose_device(asked)) or devices[-1]
    )
    if name == "adapt":  # its weights, which are not there, cannot be written
        monkeypatch.setattr("rtmri2speech.models.bundle.Bundle.save", lambda *_, **__: None)
    words = [word.format(clip=clip, out=tmp_path / "out") for word in COMMANDS[name]]
    with fake_cuda():
        assert main([*words, "--bundle", str(bundle_folder), "--device", "cuda"]) == 0, capsys.readouterr().err
    assert devices == [torch.device("cuda:0")]
    if "--json" in words and name == "synth":
        assert json.loads(capsys.readouterr().out)["device"] == "cuda:0"


def test_a_network_left_on_the_cpu_is_noticed(clip, bundle_folder, tmp_path, monkeypatch, capsys):
    """The check above can fail: with the vocoder left where it was, it does."""
    monkeypatch.setattr("rtmri2speech.models.bundle.Bundle.to", lambda self, on: self.acoustic.to(on) and self)
    words = ["synth", str(clip), "-o", str(tmp_path / "o.wav"), "--bundle", str(bundle_folder), "--device", "cuda"]
    with fake_cuda(), pytest.raises(RuntimeError, match="device"):
        main(words)


def test_the_segmenter_runs_on_the_device_that_auto_means(monkeypatch):
    with fake_cuda():
        monkeypatch.setenv(VARIABLE, "cuda")
        frames = np.random.default_rng(0).integers(0, 255, (4, 64, 64), np.uint8)
        assert not segment_regions(frames, 27.0).verdict.usable  # noise, from a network without numbers


def test_a_device_that_is_not_there_is_one_sentence(clip, bundle_folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    words = ["synth", str(clip), "-o", str(tmp_path / "o.wav"), "--bundle", str(bundle_folder), "--device"]
    for asked, told in (("cuda", "No CUDA device can be used"), ("tpu", "no device 'tpu'"), ("cuda:x", "cuda:x")):
        assert main([*words, asked]) == 2
        error = capsys.readouterr().err.strip()
        assert told in error and len(error.splitlines()) == 1 and "http" not in error
    assert not (tmp_path / "o.wav").exists()
    monkeypatch.setattr(device, "_cuda_devices", lambda: 2)
    with pytest.raises(InputError, match="the last one is cuda:1"):
        choose_device("cuda:5")
    assert choose_device("cuda:1") == torch.device("cuda", 1)
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


def test_auto_is_the_variable_then_the_gpu_then_the_cpu(monkeypatch, bundle_folder):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device() == torch.device("cpu")
    assert load_bundle(bundle_folder).device == torch.device("cpu")
    monkeypatch.setattr(device, "_cuda_devices", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device() == torch.device("cuda:0")
    monkeypatch.setenv(VARIABLE, "cpu")
    assert choose_device() == torch.device("cpu")
    assert choose_device("cuda") == torch.device("cuda:0")


def test_what_does_not_fit_is_taken_in_halves():
    def run(rows: np.ndarray) -> np.ndarray:
        if len(rows) > 3:
            raise torch.OutOfMemoryError
        return 2 * rows

    parts = in_parts(run, np.arange(10))
    assert [len(part) for part in parts] == [2, 3, 2, 3]
    assert np.array_equal(np.concatenate(parts), 2 * np.arange(10))

    def never(rows: np.ndarray) -> np.ndarray:
        raise torch.OutOfMemoryError

    with pytest.raises(InputError, match="too little memory for one frame"):
        in_parts(never, np.arange(4))
