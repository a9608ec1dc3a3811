"""Clips and a bundle of the thesis' full size for timing. Random weights: speed does not depend on their values."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.acoustic import AcousticModel
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.hifigan import Generator
from rtmri2speech.render.encode import write_video
from rtmri2speech.spec import FrameSpec, MelSpec
from rtmri2speech.speech.mel import Scaler

FPS = Fraction(11413, 420)


def thesis_bundle() -> Bundle:
    """EfficientNetV2-B2, hidden 640, HiFi-GAN with 512 channels. Random weights, but BatchNorm's statistics are the
    clips' own and the mel varies by 10 dB as speech does, so that differences in dB mean something."""
    torch.manual_seed(0)
    acoustic = AcousticModel()
    for module in acoustic.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # average over all that passes
    with torch.no_grad():
        pictures = torch.from_numpy(prepare_frames(frames(16), 256))[None, :, None]
        acoustic.train()(pictures)
        acoustic.eval().head.weight /= acoustic(pictures).std(dim=1).mean()
    scaler = Scaler(np.full(64, -35.0), np.full(64, 10.0))
    return Bundle("timing", "untrained", MelSpec(), FrameSpec(), scaler, acoustic, Generator())


def frames(count: int, size: int = 256) -> np.ndarray:
    """uint8 (count, size, size): noise under moving discs, about as hard to encode as MRI."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:size, 0:size] / size
    still = 60 + 40 * np.sin(9 * x) * np.cos(7 * y)
    out = np.empty((count, size, size), np.uint8)
    for k in range(count):
        disc = np.hypot(x - 0.5 - 0.2 * np.cos(k / 5), y - 0.5 - 0.2 * np.sin(k / 7)) < 0.15
        out[k] = np.clip(still + 90 * disc + rng.normal(0, 6, (size, size)), 0, 255)
    return out


def write_clip(path: Path, count: int) -> Path:
    """A 256x256 mp4 of `count` frames at the model's rate."""
    pictures = (np.repeat(frame[..., None], 3, axis=2) for frame in frames(count))
    write_video(path, pictures, count, (256, 256), FPS)
    return path
