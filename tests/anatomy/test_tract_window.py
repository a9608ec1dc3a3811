"""The window of the vocal tract, by the truth of a phantom and by the segmenter."""

import cv2
import numpy as np
import pytest

from rtmri2speech import read_clip
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.anatomy.tract_window import tract_view, tract_view_of_frames, window_of
from rtmri2speech.assets import ASSETS
from rtmri2speech.errors import InputError

CLIP = ASSETS / "clips" / "sakura_known_speaker.mp4"


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return read_clip(CLIP).frames


@pytest.fixture(scope="module")
def true():
    clip = read_clip(CLIP)
    return regions_from_truth(CLIP.with_suffix(".truth.npz"), len(clip.frames), clip.fps, clip.frames.shape[1:])


def tilt(view) -> float:
    """Degrees by which the window's x axis is turned clockwise."""
    return float(np.degrees(np.arctan2(view.matrix[1, 0], view.matrix[0, 0])))


def overlap(one: np.ndarray, two: np.ndarray) -> float:
    return (one & two).sum() / (one | two).sum()


def test_the_window_holds_the_tract_and_little_else(true):
    view = tract_view(true)
    tract = np.isin(true.labels, [true_index for true_index in (1, 2, 3, 4, 6, 7, 8)])
    assert tract[:, view.region].sum() > 0.995 * tract.sum()
    assert not true.mask("brain")[:, view.region].any()
    assert 0.08 < view.region.mean() < 0.25


def test_the_segmenter_finds_the_window_of_the_truth(frames, true):
    found, view = tract_view_of_frames(frames), tract_view(true)
    assert overlap(found.region, view.region) > 0.85
    assert tilt(found) == pytest.approx(tilt(view), abs=2)
    assert np.abs(found.corners() - view.corners()).max() < 0.04


def test_a_turned_head_is_turned_upright(true):
    some, size = true.labels[::10], true.labels.shape[1]
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), -10, 1)
    turned = np.stack([cv2.warpAffine(f, turn, (size, size), flags=cv2.INTER_NEAREST) for f in some])
    assert tilt(window_of(turned)) == pytest.approx(tilt(window_of(some)) + 10, abs=1)


def test_a_face_to_the_right_is_seen_as_one_to_the_left(frames):
    some = frames[::8]
    left, right = tract_view_of_frames(some), tract_view_of_frames(np.ascontiguousarray(some[:, :, ::-1]))
    assert overlap(left.region, right.region[:, ::-1]) > 0.9
    size = frames.shape[1]
    one = left.prepare(some, size)
    two = right.prepare(np.ascontiguousarray(some[:, :, ::-1]), size)
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.9


def test_without_a_head_it_says_so():
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 64), np.uint8)
    with pytest.raises(InputError, match="No vocal tract was found: the picture does not show a head"):
        tract_view_of_frames(noise)
