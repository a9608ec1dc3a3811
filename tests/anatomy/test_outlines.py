"""Outlines run where the border is, to a fraction of a pixel."""

import numpy as np
import pytest

from rtmri2speech.anatomy.outlines import outline, outlines
from rtmri2speech.anatomy.regions import NAMES, Regions


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[0:256, 0:256] + 0.5  # a pixel's middle
    return np.hypot(columns - x, rows - y) <= radius


def test_a_discs_outline_is_its_circle():
    (found,) = outline(disc(120.0, 80.0, 30.0))
    away = np.hypot(*(found - [120, 80]).T)
    assert np.abs(away - 30).max() < 0.6 and abs(away.mean() - 30) < 0.1
    x, y = found.astype(float).T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    assert area == pytest.approx(np.pi * 30**2, rel=0.01)


def test_a_region_at_the_pictures_edge_keeps_its_place():
    (found,) = outline(disc(0.0, 128.0, 40.0))
    assert found[:, 0].max() == pytest.approx(40, abs=0.6) and abs(found[:, 0].min()) < 0.01
    assert found[:, 1].min() == pytest.approx(88, abs=0.8)


def test_holes_are_left_out():
    ring = disc(120, 120, 40) & ~disc(120, 120, 20)
    (found,) = outline(ring)
    assert np.hypot(*(found - 120).T).min() > 39


def test_two_pieces_have_two_outlines_specks_none_and_nothing_nothing():
    assert len(outline(disc(60, 60, 20) | disc(180, 60, 20))) == 2
    speck = np.zeros((256, 256), bool)
    speck[10, 10:12] = True
    assert outline(speck) == [] and outline(np.zeros((256, 256), bool)) == []


def test_groups_are_drawn_around_as_one():
    labels = np.zeros((1, 256, 256), np.uint8)
    labels[0, 100:120, 50:70], labels[0, 120:140, 50:70] = NAMES.index("upper_lip"), NAMES.index("lower_lip")
    regions = Regions(labels, 20.0, (256, 256), "truth", np.ones((1, len(NAMES)), np.float32))
    found = outlines(regions, 0, ["upper_lip", "lower_lip", "lips", "tongue"])
    assert [len(found[name]) for name in found] == [1, 1, 1, 0]
    assert np.ptp(found["lips"][0][:, 1]) * 256 == pytest.approx(40, abs=1.0)
    assert found["lips"][0].max() < 0.6  # shares of the picture, not pixels
