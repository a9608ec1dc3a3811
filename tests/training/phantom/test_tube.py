"""Formants of tubes against closed forms."""

import numpy as np
import pytest

from training.phantom.tube import SPEED_OF_SOUND_CM_S, WALL_RESONANCE_HZ, formants


def test_a_uniform_tube_resonates_at_odd_quarter_waves():
    length, area = 17.0, 3.0
    lengths, areas = np.full((1, 40), length / 40), np.full((1, 40), area)
    acoustic = length + 8 / (3 * np.pi) * np.sqrt(area / np.pi)
    odd = np.array([1, 3, 5, 7]) * SPEED_OF_SOUND_CM_S / (4 * acoustic)
    assert formants(lengths, areas)[0] == pytest.approx(np.hypot(odd, WALL_RESONANCE_HZ), rel=2e-3)


def test_a_wide_mouth_raises_the_first_formant_and_a_wide_throat_lowers_it():
    """Two-tube vowels (Fant 1960): a is narrow then wide, i wide then narrow."""
    lengths = np.full((2, 40), 17 / 40)
    areas = np.array([[1.0] * 20 + [7.0] * 20, [7.0] * 20 + [1.0] * 20])
    (a1, a2, *_), (i1, i2, *_) = formants(lengths, areas)
    assert a1 > 650 and i1 < 350 and i2 > a2 + 500


def test_the_walls_keep_the_first_formant_up_when_the_lips_shut():
    lengths, areas = np.full((1, 40), 17 / 40), np.full((1, 40), 4.0)
    areas[0, -1] = 0.0
    assert WALL_RESONANCE_HZ <= formants(lengths, areas)[0, 0] < WALL_RESONANCE_HZ + 60


def test_longer_tubes_have_lower_formants_in_proportion():
    lengths = np.full((2, 40), 14 / 40) * [[1.0], [1.25]]
    short, long = formants(lengths, np.full((2, 40), 0.05))
    assert short[1] / long[1] == pytest.approx(1.25, rel=0.01)
