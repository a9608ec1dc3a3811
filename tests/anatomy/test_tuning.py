"""The segmenter tuned to a scanner that it fails on, and judged on corrected frames held out."""

from dataclasses import replace

import numpy as np
import pytest

from rtmri2speech.anatomy.regions import NAMES, Correction, Regions
from rtmri2speech.anatomy.segmenter_bundle import load_segmenter
from rtmri2speech.anatomy.sources import regions_from_truth
from rtmri2speech.anatomy.tuning import SegmenterTuning, corrected_frames, mean_dice, tune_segmenter
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError

CLIP = ASSETS / "clips" / "sakura_known_speaker.mp4"
FRAMES = (2, 8, 14, 20, 26, 32, 38)


def inverted(frames: np.ndarray) -> np.ndarray:
    """Tissue dark where it was bright, as another contrast shows it; air stays dark."""
    return np.where(frames > 18, np.clip(210 - 0.75 * frames.astype(float), 0, 255), frames).astype(np.uint8)


def corrected_in(regions: Regions, frames) -> Regions:
    made = tuple(Correction("taken_from", {"source": 0, "frames": [t, t], "region": None}) for t in frames)
    return replace(regions, corrections=made)


@pytest.fixture(scope="module")
def truth():
    count = len(read_clip(CLIP).frames)
    return regions_from_truth(CLIP.with_suffix(".truth.npz"), count, 11413 / 420, (256, 256))


@pytest.mark.slow
def test_a_few_corrected_frames_mend_another_contrast(truth):
    embedded, frames = load_segmenter(), inverted(read_clip(CLIP).frames)
    before = {name: tensor.clone() for name, tensor in embedded.network.state_dict().items()}
    made = tune_segmenter(embedded, frames, corrected_in(truth, FRAMES), SegmenterTuning(steps=30))
    assert made.learnt == FRAMES[:-1] and made.held_out == FRAMES[-1:]
    assert made.better and made.after > made.before + 0.04
    assert made.segmenter.training["tuned"]["dice_after"] == round(made.after, 4)
    for name, tensor in embedded.network.state_dict().items():
        assert np.array_equal(tensor.numpy(), before[name].numpy())


def test_what_was_corrected_counts_and_too_little_is_refused(truth):
    spans = [Correction("shifted", {"frames": [3, 5]}), Correction("painted", {"frames": [5, 6]})]
    assert corrected_frames(spans) == [3, 4, 5, 6]
    with pytest.raises(InputError, match="5 corrected frames or more, not 2"):
        tune_segmenter(load_segmenter(), read_clip(CLIP).frames, corrected_in(truth, FRAMES[:2]))


def test_dice_is_of_the_moving_regions_that_are_there():
    tongue, brain = NAMES.index("tongue"), NAMES.index("brain")
    true, found = np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8)
    true[0, :2], found[0, :1], true[0, 3] = tongue, tongue, brain
    assert mean_dice(found, true) == pytest.approx(2 * 4 / (8 + 4))
