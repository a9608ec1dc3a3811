"""Bundles and clips that tests share. The bundles have random weights: they test the way, not the speech."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.spec import FrameSpec, MelSpec
from rtmri2speech.speech.mel import Scaler

SHARED = Path(__file__).parents[2] / "shared" / "data"


def make_bundle(cnn: str = "lcnet_050", hidden: int = 32, channels: int = 16, mel: MelSpec | None = None) -> Bundle:
    """An untrained bundle whose BatchNorm statistics and outputs are not trivial."""
    torch.manual_seed(0)
    acoustic = AcousticModel(AcousticConfig(cnn=cnn, rnn_hidden=hidden))
    for module in acoustic.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    generator = Generator(
        GeneratorConfig(
            initial_channel=channels, resblock="2", resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),)
        )
    )
    rng = np.random.default_rng(0)
    scaler = Scaler(rng.uniform(-60, -20, 64), rng.uniform(5, 15, 64))
    return Bundle("fixture", "untrained", mel or MelSpec(), FrameSpec(), scaler, acoustic, generator)


def lively_bundle(frames: np.ndarray, cnn: str = "lcnet_050") -> Bundle:
    """Random weights, but BatchNorm with the statistics of these frames, uint8 (T, H, W): so maps and speech follow
    the frames."""
    bundle = make_bundle(cnn)
    for module in bundle.acoustic.cnn.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        bundle.acoustic.cnn.train()(torch.from_numpy(prepare_frames(frames, 256))[:, None])
    bundle.acoustic.eval()
    return bundle


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return make_bundle()


@pytest.fixture(scope="session")
def bundle_folder(bundle, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "fixture"
    bundle.save(folder)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and speech beside the checkout. It is not part of the project."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail("The folder shared/data with real clips and speech must lie beside the checkout in CI.")
        pytest.skip("The folder shared/data with real clips and speech is not beside the checkout.")
    return SHARED


def moving_frames(count: int = 40, height: int = 64, width: int = 64, seed: int = 0) -> np.ndarray:
    """uint8 (count, height, width): a bright disc that moves over a dark, textured background."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    background = rng.integers(0, 60, (height, width))
    frames = []
    for k in range(count):
        angle = 2 * np.pi * k / 20
        cx, cy = width * (0.5 + 0.25 * np.cos(angle)), height * (0.5 + 0.25 * np.sin(angle))
        disc = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.02 * height * width))
        frames.append(np.clip(background + 190 * disc, 0, 255))
    return np.asarray(frames).astype(np.uint8)


def write_mp4(path: Path, frames: np.ndarray, fps=27, audio: np.ndarray | None = None, rate: int = 16000) -> Path:
    """H.264 written by PyAV, independent of the project's own encoder."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=fps)
        video.height, video.width, video.pix_fmt = *frames.shape[1:3], "yuv420p"
        sound = container.add_stream("aac", rate=rate, layout="mono") if audio is not None else None
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, "gray")))
        container.mux(video.encode())
        if sound is not None:
            block = av.AudioFrame.from_ndarray(audio.astype(np.float32)[None], format="fltp", layout="mono")
            block.sample_rate = rate
            container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path
