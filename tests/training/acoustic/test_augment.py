"""Domain randomisation: changes the look of a clip, never its timing, its shape or its meaning."""

import subprocess
import sys

import numpy as np
import pytest

from rtmri2speech.errors import InputError
from training.acoustic.augment import apply, augment, augment_together, draw


def clip(count: int = 30, size: int = 128) -> np.ndarray:
    """uint8 (count, size, size): a bright oval that opens and shuts, in a gray disc."""
    y, x = np.mgrid[0:size, 0:size] / size
    frames = np.zeros((count, size, size), np.uint8)
    for t in range(count):
        frames[t][(x - 0.45) ** 2 + (y - 0.5) ** 2 < 0.16] = 110
        height = 0.02 + 0.09 * (np.sin(2 * np.pi * t / 11) > 0.2)
        frames[t][((x - 0.38) / 0.12) ** 2 + ((y - 0.5) / height) ** 2 < 1] = 235
    return frames


def test_strength_zero_changes_nothing():
    frames = clip(3)
    assert np.array_equal(augment(frames, np.random.default_rng(0), 0), frames)


def test_the_same_generator_gives_the_same_picture_and_another_gives_another():
    frames = clip(3)
    first, again, other = (augment(frames, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 3


@pytest.mark.parametrize("shape", [(1, 256, 256), (4, 68, 68), (3, 84, 100)])
def test_any_size_keeps_its_shape(shape):
    frames = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    out = augment(frames, np.random.default_rng(3), 1.5)
    assert out.shape == shape and out.dtype == np.uint8


def test_events_stay_at_their_frame():
    """The oval's opening and shutting is what changes most in the clip: it must stay in step in every look."""
    frames = clip()
    opening = main_change(frames)
    for seed in range(12):
        seen = main_change(augment(frames, np.random.default_rng(seed)))
        in_step = {lag: abs(np.corrcoef(opening[3:-3], np.roll(seen, lag)[3:-3])[0, 1]) for lag in range(-2, 3)}
        assert max(in_step, key=in_step.get) == 0 and in_step[0] > 0.7, f"seed {seed}: {in_step}"


def test_masks_go_where_the_picture_goes():
    y, x = np.mgrid[0:128, 0:128]
    disc = (x - 50) ** 2 + (y - 70) ** 2 < 15**2
    masks = np.stack([disc] * 3).astype(np.float32)
    moved_far = 0
    for seed in range(12):
        frames, moved = augment_together(np.uint8(masks * 250), masks, np.random.default_rng(seed))
        assert np.array_equal(frames, augment(np.uint8(masks * 250), np.random.default_rng(seed)))
        frame, mask = frames[1].astype(float), moved[1] > 0.5
        assert frame[mask].mean() > 4 * frame[~mask].mean(), f"seed {seed}"
        moved_far += np.hypot(x[mask].mean() - 50, y[mask].mean() - 70) > 5
    assert moved_far > 4


def main_change(frames: np.ndarray) -> np.ndarray:
    """(T,) the first principal component over time, each frame at the same mean brightness."""
    x = frames.reshape(len(frames), -1).astype(float)
    x /= x.mean(1, keepdims=True)
    return np.linalg.svd(x - x.mean(0), full_matrices=False)[0][:, 0]


def test_a_coarse_scanner_loses_fine_detail_only():
    frames = np.random.default_rng(0).integers(0, 255, (1, 256, 256), dtype=np.uint8)
    still = {"noise": 0.0, "sharpen": 0.0, "stripes": 0.0, "ghost": 0.0, "flicker": 0.0, "angle": 0.0}
    plain = {"sway": np.zeros(3), "zoom": np.ones(2), "shift": np.zeros(2), "coil": np.ones((16, 16), np.float32)}
    look = vars(draw(np.random.default_rng(0))) | still | plain | {"haze": np.zeros((16, 16), np.float32)}
    look["tone"] = np.arange(256, dtype=np.uint8)

    def spectrum(native: float) -> np.ndarray:
        out = apply(
            frames, type(draw(np.random.default_rng(0)))(**(look | {"native": native})), np.random.default_rng(0)
        )
        return np.abs(np.fft.fft2(out[0] - out[0].mean())) ** 2

    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None]) * 256
    fine, coarse = spectrum(1.0), spectrum(68 / 256)
    assert coarse[radius > 60].sum() < 0.1 * fine[radius > 60].sum()
    assert coarse[radius < 10].sum() > 0.7 * fine[radius < 10].sum()


@pytest.mark.parametrize("bad", [np.zeros((2, 8, 8), np.float32), np.zeros((8, 8), np.uint8)])
def test_frames_of_another_kind_are_refused(bad):
    with pytest.raises(InputError, match="uint8 frames"):
        augment(bad, np.random.default_rng(0))


def test_a_negative_strength_is_refused():
    with pytest.raises(InputError, match="strength"):
        augment(clip(1), np.random.default_rng(0), -1)


def test_it_loads_where_only_numpy_and_opencv_are_installed():
    code = (
        "import sys, training.acoustic.augment; "
        "bad = {'torch', 'gradio', 'librosa', 'hydra', 'scipy', 'soundfile'} & set(sys.modules); "
        "sys.exit(', '.join(bad) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
