"""The judge of regions: its figures against ones worked out by hand."""

import cv2
import numpy as np
import pytest

from rtmri2speech.anatomy.regions import NAMES, Regions
from training.evaluation.domain_shift import VARIANTS
from training.evaluation.regions import changed_truth, correlation, dice, outline_distance, tables

TONGUE = NAMES.index("tongue")


def square(x: int, y: int, side: int = 40) -> np.ndarray:
    mask = np.zeros((256, 256), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def regions_of(mask: np.ndarray) -> Regions:
    labels = (mask * TONGUE).astype(np.uint8)[None]
    return Regions(labels, 20.0, (256, 256), "truth", np.ones((1, len(NAMES)), np.float32))


def test_dice_is_twice_the_overlap_over_the_sum():
    a, b = square(50, 50) * TONGUE, square(60, 50) * TONGUE
    assert dice(a[None], b[None])["tongue"] == pytest.approx(2 * 30 * 40 / (2 * 1600))
    assert "velum" not in dice(a[None], b[None])


def test_the_outline_of_a_larger_disc_is_as_far_off_as_its_radius_is_larger():
    y, x = np.mgrid[0:256, 0:256] - 128
    assert outline_distance(np.hypot(x, y) < 50, np.hypot(x, y) < 53) == pytest.approx(3, abs=0.15)
    assert outline_distance(square(50, 50), square(50, 50)) == 0
    assert np.isnan(outline_distance(square(50, 50), np.zeros((256, 256), bool)))


@pytest.mark.parametrize("name", VARIANTS)
def test_the_truth_goes_where_the_picture_goes(name):
    y, x = np.mgrid[0:256, 0:256] - [[[150]], [[90]]]
    mask = np.hypot(x, 1.4 * y) < 30
    picture = cv2.GaussianBlur((mask * 220).astype(np.uint8), (0, 0), 1.0)[None]
    true, larger = changed_truth(regions_of(mask), VARIANTS[name])
    seen = VARIANTS[name](np.repeat(picture, 2, axis=0))[0]
    levels = seen[true.mask("tongue")[0]], seen[~true.mask("tongue")[0]]
    assert np.median(levels[0]) > 60 + np.percentile(levels[1], 99.0) * 0 and np.mean(levels[1] > 110) < 0.01
    expected = {"mouth only": 1.75, "far away": 0.75, "leaning": 1.1, "other anatomy": np.sqrt(0.95 * 1.2)}
    assert larger == pytest.approx(expected.get(name, 1.0), rel=0.03)


def test_a_measure_that_never_moves_has_no_correlation():
    moving = np.sin(np.arange(30.0))
    assert correlation(2 * moving + 1, moving) == pytest.approx(1)
    assert np.isnan(correlation(moving, np.ones(30)))
    broken = moving.copy()
    broken[:25] = np.nan
    assert np.isnan(correlation(broken, moving))


def test_the_tables_hold_every_figure():
    row = {"dice": {"tongue": 0.95, "lips": 0.9}, "tongue_mm": 0.61, "correlation": {"lip_aperture": 0.99}}
    causes = dict.fromkeys(
        ("lip_aperture", "lip_protrusion", "velum_opening", "jaw_height", "larynx_height", "tract_length"), 0.9
    )
    told = tables({"clips": 2, "segmenter": "x", "variants": {"as it is": row, "leaning": row}, "causes": causes})
    assert "| tongue | 0.950 | 0.950 |" in told and "| tongue's outline, mm | 0.61 | 0.61 |" in told
    assert "| lip aperture | 0.99 | 0.99 |" in told
