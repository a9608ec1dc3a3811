"""Overlay video of two bands with sound, 512x512: how many times real time."""

import tempfile
from pathlib import Path

import numpy as np

from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.render.overlay import overlay

from .material import FPS, frames
from .timing import best_seconds

COUNT = 272


def measure() -> dict:
    rng = np.random.default_rng(0)
    pictures = frames(COUNT)
    heat = {name: upsample_grid(rng.random((COUNT, 8, 8), np.float32)) for name in ("F1 band", "F2 band")}
    audio = 0.1 * rng.standard_normal(COUNT * 420).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "o.mp4"
        work = {"ours": lambda: overlay(path, pictures, FPS, heat, audio=audio, audio_rate=11413)}
        seconds = best_seconds(work)["ours"]
    return {f"{COUNT} frames (s)": seconds, "times real time": COUNT / float(FPS) / seconds}
