"""What a model sees of a picture, and its maps laid back on it."""

import cv2
import numpy as np
import pytest

from rtmri2speech.clips.frame_view import FULL, TractView, standardised

SIZE = 64


@pytest.fixture(scope="module")
def view() -> TractView:
    """A disc right of the middle; its window is turned by 20 degrees and mirrored."""
    y, x = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE
    angle, side = np.radians(20), 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    axes = np.diag([-1.0, 1.0]) @ turn
    middle = np.array([0.6, 0.45])
    return TractView(
        np.hypot(x - 0.6, y - 0.45) < 0.22, np.column_stack([side * axes, middle - 0.5 * side * axes.sum(axis=1)])
    )


def pictures(seed: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((count, SIZE, SIZE), np.float32)


def test_nothing_outside_the_region_changes_what_is_seen(view):
    shown, other = pictures(1), pictures(2)
    mask = view.mask(SIZE)
    assert np.array_equal(view.seen(shown), view.seen(np.where(mask, shown, other)))
    inside = view.seen(np.where(mask, other, shown)) != view.seen(shown)
    assert inside.mean() > 0.9 * (view.weights(SIZE) > 0).mean()


def test_the_window_is_standardised_and_constant_outside(view):
    seen, weights = view.seen(pictures(3)), view.weights(SIZE)
    assert np.all(seen[:, weights == 0] == 0.5)
    assert (weights == 1).mean() > 0.4
    assert seen[:, weights == 1].mean() == pytest.approx(0.5, abs=0.01)
    assert seen[:, weights == 1].std() == pytest.approx(1 / 6, rel=0.1)
    assert np.allclose(view.seen(0.5 * pictures(3) + 0.3), seen, atol=1e-5)


def test_a_flat_window_is_the_constant():
    assert np.all(standardised(np.full((8, 8), 0.7, np.float32), np.ones((8, 8), np.float32)) == 0.5)


@pytest.mark.parametrize("cells", [8, 32])
def test_maps_are_laid_back_with_their_sums_and_nothing_outside(view, cells):
    maps = np.random.default_rng(4).normal(size=(2, cells, cells)).astype(np.float32)
    laid = view.on_picture(maps)
    assert laid.shape == (2, view.cells_on_picture(cells), view.cells_on_picture(cells))
    assert np.allclose(laid.sum(axis=(1, 2)), maps.sum(axis=(1, 2)), rtol=1e-3, atol=1e-3)
    side = laid.shape[1]
    fine = np.kron(laid != 0, np.ones((1, SIZE * 4 // side, SIZE * 4 // side), bool))
    reach = 2 * 4 * SIZE // side + 1  # a cell at the border is partly outside
    near = cv2.dilate(view.mask(4 * SIZE).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    outside = near == 0
    assert not fine[:, outside].any()


def test_a_cell_lands_where_its_window_lies(view):
    maps = np.zeros((1, 32, 32), np.float32)
    maps[0, 20, 10] = 1.0
    laid = view.on_picture(maps)[0]
    y, x = (np.indices(laid.shape) + 0.5) / len(laid)
    wanted = view.matrix @ [10.5 / 32, 20.5 / 32, 1]
    assert ((laid * x).sum(), (laid * y).sum()) == pytest.approx(tuple(wanted), abs=0.01)


def test_the_whole_picture_is_seen_as_it_is():
    shown = pictures(5)
    assert FULL.seen(shown) is shown and FULL.on_picture(shown) is shown and FULL.mask(8) is None


def test_a_blurred_window_keeps_its_border_and_loses_its_shapes(view):
    seen, weights = view.seen(pictures(6)), view.weights(SIZE)
    plain = view.blurred(seen)
    assert np.all(plain[:, weights == 0] == 0.5)
    assert plain[:, weights == 1].std() < 0.3 * seen[:, weights == 1].std()
    flat = np.repeat((0.5 + 0.3 * weights)[None], 2, axis=0).astype(np.float32)
    assert np.abs(view.blurred(flat) - flat).max() < 0.08  # a border is no shape
