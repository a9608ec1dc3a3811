"""Heads laid onto one: against shapes and pictures that were moved by a known amount."""

import cv2
import numpy as np
import pytest

from rtmri2speech.corpus.registration import common_head, laid, moved, similarity

RNG = np.random.default_rng(0)
HEAD = RNG.uniform(0.2, 0.8, (8, 2))


def transform(degrees, scale, shift):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([scale * turn, shift])


def test_a_known_movement_is_found_though_landmarks_are_missing():
    known = transform(12, 1.2, (0.05, -0.1))
    other = moved(HEAD, known)
    other[[1, 5]] = np.nan
    np.testing.assert_allclose(similarity(HEAD, other), known, atol=1e-12)
    np.testing.assert_array_equal(similarity(HEAD, np.full((8, 2), np.nan)), np.eye(2, 3))


def test_a_mirrored_head_is_not_turned_over():
    matrix = similarity(HEAD, HEAD * [-1, 1] + [1, 0])
    assert np.linalg.det(matrix[:, :2]) > 0


def test_the_common_head_is_their_shape_at_their_mean_size():
    scales, turns = (0.8, 1.0, 1.2), (-10, 0, 10)
    moves = [transform(t, s, (0.02 * t / 10, 0.1 * (s - 1))) for s, t in zip(scales, turns, strict=True)]
    heads = [moved(HEAD, move) for move in moves]
    heads[2][3] = np.nan
    common = common_head(heads)
    size = np.linalg.norm(common - common.mean(axis=0)) / np.linalg.norm(HEAD - HEAD.mean(axis=0))
    assert size == pytest.approx(1.0, abs=0.02)
    for head in heads:  # each lies on it once it is moved there
        there = np.isfinite(head).all(axis=1)
        np.testing.assert_allclose(moved(head, similarity(head, common))[there], common[there], atol=1e-9)
    assert np.isnan(common_head([np.full((8, 2), np.nan)])).all()


def test_a_picture_goes_where_its_points_go():
    picture = np.zeros((64, 64), np.float32)
    cv2.circle(picture, (20, 40), 3, 1.0, -1)
    matrix = transform(20, 0.9, (0.1, 0.05))
    there = laid(picture, matrix, 128)
    weights = np.nan_to_num(there)
    y, x = np.indices(there.shape)
    found = np.array([(x * weights).sum(), (y * weights).sum()]) / weights.sum()
    np.testing.assert_allclose((found + 0.5) / 128, moved(np.array([20.5, 40.5]) / 64, matrix), atol=0.003)
    assert np.isnan(there).any()  # the square turned no longer fills the picture
    grid = RNG.random((8, 8)).astype(np.float32)
    np.testing.assert_allclose(
        laid(grid, np.eye(2, 3), 64), cv2.resize(grid, (64, 64), interpolation=cv2.INTER_LINEAR), atol=0.02
    )
