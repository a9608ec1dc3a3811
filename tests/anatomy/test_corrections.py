"""What a person corrects: only what was meant changes, and it is on record."""

import numpy as np
import pytest

from rtmri2speech.anatomy.corrections import painted, shifted, taken_from
from rtmri2speech.anatomy.regions import NAMES, Regions
from rtmri2speech.errors import InputError

TONGUE, VELUM, AIRWAY = (NAMES.index(name) for name in ("tongue", "velum", "airway"))


def block(t: int) -> np.ndarray:
    """Airway everywhere, a tongue that is 10 px further right in each frame, and a velum above it."""
    labels = np.full((256, 256), AIRWAY, np.uint8)
    labels[100:150, 40 + 10 * t : 90 + 10 * t] = TONGUE
    labels[20:40, 100:140] = VELUM
    return labels


@pytest.fixture
def regions() -> Regions:
    labels = np.stack([block(t) for t in range(4)])
    return Regions(labels, 20.0, (256, 256), "segmenter", np.full((4, len(NAMES)), 0.5, np.float32))


def test_another_frames_labels_replace_all_of_a_stretch(regions):
    new = taken_from(regions, 0, (2, 3))
    assert np.array_equal(new.labels[2], block(0)) and np.array_equal(new.labels[3], block(0))
    assert np.array_equal(new.labels[1], block(1))
    assert np.array_equal(regions.labels[2], block(2))  # the old value is as it was


def test_one_region_alone_is_taken_and_its_old_place_goes_to_the_neighbour(regions):
    new = taken_from(regions, 0, (3, 3), "tongue")
    assert np.array_equal(new.mask("tongue")[3], block(0) == TONGUE)
    assert (new.labels[3][100:150, 92:120] == AIRWAY).all()
    assert np.array_equal(new.mask("velum")[3], block(3) == VELUM)


def test_a_shift_moves_by_shares_of_the_picture(regions):
    new = shifted(regions, 16 / 256, 8 / 256, (0, 0), "tongue")
    assert new.labels[0][108:158, 56:106].tolist() == np.full((50, 50), TONGUE).tolist()
    assert new.mask("tongue")[0].sum() == 50 * 50
    assert np.array_equal(new.labels[1:], regions.labels[1:])
    everything = shifted(regions, 0.0, 0.25)
    assert (everything.labels[:, :64] == 0).all() and (everything.mask("velum")[2][84:104, 100:140]).all()


def test_painting_adds_and_takes_away(regions):
    square = [(0.5, 0.5), (0.75, 0.5), (0.75, 0.75), (0.5, 0.75)]
    new = painted(regions, square, "velum", (1, 1))
    assert (new.labels[1][128:192, 128:192] == VELUM).all() and np.array_equal(new.labels[0], regions.labels[0])
    gone = painted(new, square, "rest")
    assert (gone.labels[:, 128:192, 128:192] == 0).all()
    for polygon, name, what in ((square, "lips", "one region"), ([(2, 2), (3, 2), (3, 3)], "tongue", "outside")):
        with pytest.raises(InputError, match=what):
            painted(regions, polygon, name)


def test_what_was_corrected_is_on_record_in_order(regions):
    new = shifted(taken_from(regions, 0, (2, 3), "tongue"), 0.1, 0.0)
    made = new.provenance()["corrections"]
    assert [c["what"] for c in made] == ["taken_from", "shifted"]
    assert made[0] == {"what": "taken_from", "source": 0, "frames": [2, 3], "region": "tongue"}
    assert made[1]["dx"] == 0.1 and made[1]["frames"] == [0, 3]


@pytest.mark.parametrize("frames", [(-1, 2), (2, 1), (0, 4)])
def test_a_stretch_outside_the_clip_is_refused(regions, frames):
    with pytest.raises(InputError, match="stretch"):
        shifted(regions, 0.1, 0.1, frames)
