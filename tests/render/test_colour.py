"""Colour tables, blending and the enlarged grid, against OpenCV, matplotlib's published anchors and colour science."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.errors import InputError
from rtmri2speech.render.colour import (
    BAND_MAPS,
    DIVERGING_MAP,
    LINE_COLOURS,
    blend,
    colour,
    colour_table,
    diverging_layer,
    layer,
    levels,
    signed_levels,
)

# Machado, Oliveira & Fernandes (2009), severity 1.0, on linear RGB.
DICHROMATS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def lab(rgb):
    return cv2.cvtColor(np.float32(rgb)[None] / 255, cv2.COLOR_RGB2Lab)[0]


def seen_by(kind, rgb):
    value = np.float64(rgb) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = (linear @ np.array(DICHROMATS[kind]).T).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_heat_maps_to_the_ends_of_the_colour_map():
    assert colour(np.float32([[0, 1]])).tolist() == [[[0, 0, 4], [252, 255, 164]]]  # inferno, as published
    assert colour(np.zeros((3, 4, 5), np.float32), "jet")[1, 2, 3].tolist() == [0, 0, 128]


@pytest.mark.parametrize("name", ["inferno", *BAND_MAPS])
def test_default_maps_grow_evenly_in_lightness(name):
    steps = np.diff(lab(colour_table(name))[::16, 0])
    assert steps.min() > 0
    assert steps.max() < 2 * np.median(steps)


def test_jet_is_not_even():
    assert np.diff(lab(colour_table("jet"))[:, 0]).min() < 0


@pytest.mark.parametrize("kind", DICHROMATS)
@pytest.mark.parametrize("pair", list(combinations(BAND_MAPS, 2)), ids="-".join)
def test_bands_stay_tellable_apart_for_the_colour_blind(kind, pair):
    """CIE76 difference of equal heat, over dark tissue, from a third of full heat up."""
    one, other = (layer(name, 0.7).over(60)[85::10] for name in pair)
    difference = np.linalg.norm(lab(seen_by(kind, one)) - lab(seen_by(kind, other)), axis=1)
    assert difference.min() > 12


GROUNDS = {"light": ("#ffffff", "#f3f5f7"), "dark": ("#0f1419", "#1a2129")}  # the page and its lanes: component.css


def rgb(hexadecimal):
    return np.array([int(hexadecimal[k : k + 2], 16) for k in (1, 3, 5)])


def luminance(hexadecimal):
    """Relative luminance, WCAG 2.2."""
    value = rgb(hexadecimal) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("page", GROUNDS)
def test_lines_and_words_of_a_band_can_be_read_and_told_apart(page):
    for ink in LINE_COLOURS[page]:
        for ground in GROUNDS[page]:
            darker, lighter = sorted(map(luminance, (ink, ground)))
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (ink, ground)
    for one, other in combinations(LINE_COLOURS[page], 2):
        for kind in DICHROMATS:
            one_seen, other_seen = (lab(seen_by(kind, rgb(ink)[None])) for ink in (one, other))
            assert np.linalg.norm(one_seen - other_seen) > 12, (kind, one, other)


def test_cold_pixels_show_the_plain_frame_and_hot_ones_alpha_of_the_colour():
    gray = np.full((1, 3), 200, np.uint8)
    heat = levels(np.float32([[0, 0.5, 1]]))
    picture = blend(gray, [heat], [layer("inferno", 0.6)])
    assert picture[0, 0].tolist() == [200, 200, 200]
    np.testing.assert_allclose(picture[0, 2], 0.4 * 200 + 0.6 * np.array([252, 255, 164]), atol=1)
    assert (np.ptp(picture[0], axis=1) > 5).tolist() == [False, True, True]
    assert blend(gray, [heat], [layer("inferno", 0)]).tolist() == [[[200] * 3] * 3]


def test_max_paints_the_hotter_band_and_mean_mixes():
    gray = np.full((1, 2), 40, np.uint8)
    first, second = np.uint8([[255, 100]]), np.uint8([[100, 255]])
    layers = [layer("orange", 0.8), layer("blue", 0.8)]
    alone = [blend(gray, [level], [one]) for level, one in zip((first, second), layers, strict=True)]
    hotter = blend(gray, [first, second], layers, "max")
    assert hotter[0, 0].tolist() == alone[0][0, 0].tolist()
    assert hotter[0, 1].tolist() == alone[1][0, 1].tolist()
    mixed = blend(gray, [first, second], layers, "mean")
    np.testing.assert_allclose(mixed, (alone[0].astype(float) + alone[1]) / 2, atol=2)


def test_of_four_bands_the_hottest_shows_or_all_mix_evenly():
    gray = np.full((1, 4), 40, np.uint8)
    heats = [np.full((1, 4), 60, np.uint8) for _ in range(4)]
    for pixel, values in enumerate([(250, 100, 200, 60), (60, 250, 60, 249), (60, 61, 250, 62), (70, 200, 100, 250)]):
        for heat, value in zip(heats, values, strict=True):
            heat[0, pixel] = value
    layers = [layer(name, 0.8) for name in ("orange", "blue", "viridis", "inferno")]
    alone = [blend(gray, [heat], [one]) for heat, one in zip(heats, layers, strict=True)]
    hottest = blend(gray, heats, layers, "max")
    for pixel, band in enumerate((0, 1, 2, 3)):
        assert hottest[0, pixel].tolist() == alone[band][0, pixel].tolist()
    np.testing.assert_allclose(blend(gray, heats, layers, "mean"), np.mean(alone, axis=0), atol=3)


def test_signed_map_has_two_sides_and_nothing_in_the_middle():
    cam = np.float32([[-3, 0, 1e-6, 3, 9]])
    assert signed_levels(cam, 3.0)[0, [0, 3, 4]].tolist() == [0, 255, 255]
    gray = np.full((1, 5), 120, np.uint8)
    picture = blend(gray, [signed_levels(cam, 3.0)], [diverging_layer("berlin", 0.7)])
    assert picture[0, 1].tolist() == picture[0, 2].tolist() == [120] * 3
    negative, positive = colour_table(DIVERGING_MAP)[signed_levels(np.float32([-3, 3]), 3.0)].astype(int)
    assert negative[2] > negative[0] and positive[0] > positive[2]  # blue side, red side


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), float("inf")])
def test_alpha_out_of_range(alpha):
    with pytest.raises(InputError, match="alpha"):
        layer("inferno", alpha)


def test_unknown_map():
    with pytest.raises(InputError, match="rainbowish"):
        colour_table("rainbowish")


def test_grid_keeps_cell_centres_and_never_overshoots():
    grids = np.random.default_rng(1).normal(size=(3, 8, 8)).astype(np.float32)
    for method in ("linear", "cells"):
        big = upsample_grid(grids, (264, 264), method)
        assert big.shape == (3, 264, 264)
        # 264 / 8 = 33 is odd: the middle pixel of a cell lies exactly on its centre.
        np.testing.assert_allclose(np.stack(list(big))[:, 16::33, 16::33], grids, atol=1e-5)
    cubic = upsample_grid(grids, (256, 256))[2]
    np.testing.assert_allclose(
        cubic,
        cv2.resize(grids[2], (256, 256), interpolation=cv2.INTER_CUBIC).clip(grids[2].min(), grids[2].max()),
        atol=1e-6,
    )
    assert np.unique(upsample_grid(grids, (256, 256), "cells")[0]).size == 64
    with pytest.raises(InputError, match="wavelet"):
        upsample_grid(grids, method="wavelet")
