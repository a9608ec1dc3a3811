"""Regions from a phantom's truth and from polygons, and what the value does."""

import json

import numpy as np
import pytest

from rtmri2speech.anatomy.polygons import Region
from rtmri2speech.anatomy.regions import NAMES, on_clip
from rtmri2speech.anatomy.sources import regions_from_template, regions_from_truth
from rtmri2speech.clips.phantom_truth import truth_beside
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import DEFAULT_FOLDER

CLIPS = DEFAULT_FOLDER.parents[1] / "clips"
TRUTH = CLIPS / "aiueo_new_speaker.truth.npz"


def test_every_tissue_of_the_truth_lands_in_the_region_that_the_phantom_itself_names():
    with np.load(TRUTH) as data:
        classes, labels = [str(c) for c in data["classes"]], data["labels"]
        named = json.loads(str(data["regions"]))
    regions = regions_from_truth(TRUTH, len(labels), 11413 / 420, (256, 256))
    for name, tissues in named.items():  # "lips" is a group here and one region there
        true = np.isin(labels, [classes.index(tissue) for tissue in tissues])
        found = regions.mask(name)
        inside = found[:, 1::2, 1::2] & found[:, ::2, ::2]
        assert (inside & ~true).sum() <= 0.02 * true.sum(), name
        assert found.mean() == pytest.approx(true.mean(), rel=0.03), name


def test_truth_follows_time_not_frame_numbers():
    whole = regions_from_truth(TRUTH, 55, 11413 / 420, (256, 256))
    slow = regions_from_truth(TRUTH, 27, 11413 / 840, (256, 256))
    assert np.array_equal(slow.labels[10], whole.labels[21])


def test_a_mask_on_the_clips_own_pixels_undoes_the_padding():
    square = np.zeros((256, 256), bool)
    square[128:] = True  # the lower half of the padded picture
    wide = on_clip(square, (50, 100))
    assert wide.shape == (50, 100)
    assert np.allclose(wide[:24], 0) and np.allclose(wide[26:], 1)


def test_points_of_the_picture_land_on_the_clips_own_pixels():
    regions = regions_from_template(1, 20.0, (50, 100))
    assert np.allclose(regions.to_clip([[0.5, 0.5], [0.0, 0.25], [1.0, 0.75]]), [[50, 25], [0, 0], [100, 50]])


def test_the_template_paints_its_polygons_where_they_are_on_the_clips_frame():
    box = Region("tongue", ((0.25, 0.0), (0.75, 0.0), (0.75, 1.0), (0.25, 1.0)))
    regions = regions_from_template(2, 20.0, (50, 100), [box])
    own = regions.mask_on_clip("tongue")
    assert own.shape == (2, 50, 100)
    assert own[1].mean() == pytest.approx(0.5, abs=0.02) and own[1][25, 50] == 1 and own[1][25, 10] == 0
    assert regions.source == "template"


def test_groups_join_their_members_and_unknown_names_are_told():
    regions = regions_from_template(1, 20.0, (64, 64))
    lips = regions.mask("lower_lip") | regions.mask("upper_lip")
    assert lips.any() and np.array_equal(regions.mask("lips"), lips)
    with pytest.raises(InputError, match="nose"):
        regions.mask("nose")


def test_frames_can_be_chosen_again():
    regions = regions_from_truth(TRUTH, 55, 11413 / 420, (256, 256))
    picked = regions.at(np.array([5, 5, 2]))
    assert np.array_equal(picked.labels[1], regions.labels[5]) and np.array_equal(picked.labels[2], regions.labels[2])
    assert len(picked) == 3 and picked.confidence.shape == (3, len(NAMES))


def test_a_file_that_is_no_truth_is_refused(tmp_path):
    other = tmp_path / "x.truth.npz"
    np.savez(other, labels=np.zeros((2, 8, 8)))
    assert truth_beside(tmp_path / "x.mp4") == other and truth_beside(tmp_path / "y.mp4") is None
    with pytest.raises(InputError, match="not the truth"):
        regions_from_truth(other, 2, 20.0, (8, 8))
