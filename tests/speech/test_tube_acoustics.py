"""Acoustics of tubes against closed forms, VocalTractLab, finite differences and perturbation theory."""

import subprocess
import sys

import numpy as np
import pytest

from rtmri2speech.speech.tube_acoustics import (
    CLOSED_TRACT_RESONANCE_HZ,
    band_levels,
    in_equal_stretches,
    piriform_fossae,
    source_power,
    transfer_function,
)

HZ = np.arange(5.0, 4000.0, 5.0)
LENGTHS, UNIFORM = np.full((1, 40), 17.5 / 40), np.full((1, 40), 4.0)
ACOUSTIC_CM = 17.5 + 8 / (3 * np.pi) * np.sqrt(4 / np.pi)  # with the opening's end correction


def peaks_hz(lengths_cm, areas_cm2, fossae=None):
    size = np.abs(transfer_function(lengths_cm, areas_cm2, HZ, fossae)[0])
    return HZ[1:-1][(size[1:-1] > size[:-2]) & (size[1:-1] > size[2:])]


def test_a_uniform_tube_resonates_at_500_1500_2500_hz():
    """Quarter waves of 17.5 cm, lowered by the opening's end correction and raised by the walls."""
    quarter_waves = np.array([1, 3, 5]) * 35000 / (4 * ACOUSTIC_CM)
    assert peaks_hz(LENGTHS, UNIFORM)[:3] == pytest.approx(np.hypot(quarter_waves, CLOSED_TRACT_RESONANCE_HZ), rel=0.01)
    assert peaks_hz(LENGTHS, UNIFORM)[:3] == pytest.approx([500, 1500, 2500], rel=0.07)


_VOCALTRACTLAB = """
import sys, numpy as np, vocaltractlab_cython as vtl
made = {}
for vowel in "aiueo":
    state = np.array(vtl.get_shape(vowel, "tract"), float)
    tube = vtl.tract_state_to_tube_state(state, fast_calculation=True)
    made[vowel + "_length"], made[vowel + "_area"] = tube["tube_length"], tube["tube_area"]
    made[vowel] = vtl.tract_state_to_transfer_function(state, n_spectrum_samples=8192)["magnitude_spectrum"]
np.savez(sys.argv[1], **made)
"""


def test_the_formants_of_vowels_are_those_of_vocaltractlab(tmp_path):
    """Its own speaker, in a process of its own: another test may have loaded another."""
    pytest.importorskip("vocaltractlab_cython")
    subprocess.run([sys.executable, "-c", _VOCALTRACTLAB, str(tmp_path / "made.npz")], check=True)
    made = np.load(tmp_path / "made.npz")
    theirs_hz = np.arange(8192) * 44100 / 8192
    for vowel in "aiueo":
        theirs = made[vowel]
        ours = transfer_function(made[f"{vowel}_length"], made[f"{vowel}_area"], HZ, piriform_fossae(17.1))[0]
        error_db = 20 * np.log10(np.abs(ours) / np.interp(HZ, theirs_hz, theirs))
        assert np.sqrt(np.mean(error_db[(HZ > 100) & (HZ < 2500)] ** 2)) < 1.3


@pytest.mark.parametrize("fossae", [None, piriform_fossae(17.1)])
def test_the_sensitivity_is_the_change_when_a_section_is_widened(fossae):
    rng = np.random.default_rng(0)
    lengths, areas = rng.uniform(0.3, 0.6, (2, 40)), rng.uniform(0.3, 6, (2, 40))
    weights = np.stack([(HZ > 300) & (HZ < 900), (HZ > 900) & (HZ < 2500)]) * source_power(HZ)
    _, sensitivity = band_levels(lengths, areas, HZ, weights, fossae)
    for section in (0, 3, 4, 20, 39):
        wider, narrower = areas.copy(), areas.copy()
        wider[:, section] *= 1.02
        narrower[:, section] /= 1.02
        levels = [band_levels(lengths, each, HZ, weights, fossae)[0] for each in (wider, narrower)]
        slope = (levels[0] - levels[1]) / (2 * np.log(1.02))
        assert sensitivity[:, :, section] == pytest.approx(slope, abs=2e-3)


def test_a_formant_moves_as_schroeder_says():
    """M. Schroeder 1967: widening a uniform tube at x, of its length from the glottis, moves formant n in proportion to
    -cos((2n - 1) pi x): down at the glottis, up towards the lips. (The last section also changes the opening.)"""
    for number in (0, 1, 2):
        shifts = []
        for section in range(0, 39, 3):
            areas = UNIFORM.copy()
            areas[0, section] *= 1.3
            shifts.append(finely(areas, number) - finely(UNIFORM, number))
        place = (np.arange(0, 39, 3) + 0.5) / 40 * 17.5 / ACOUSTIC_CM
        assert np.corrcoef(shifts, -np.cos((2 * number + 1) * np.pi * place))[0, 1] > 0.99


def finely(areas, number):
    """The place of a peak, by a parabola through its neighbours."""
    hz = np.arange(5.0, 3000.0, 2.0)
    db = 20 * np.log10(np.abs(transfer_function(LENGTHS, areas, hz)[0]))
    at = np.flatnonzero((db[1:-1] > db[:-2]) & (db[1:-1] > db[2:]))[number] + 1
    low, top, high = db[at - 1 : at + 2]
    return hz[at] + 2.0 * 0.5 * (low - high) / (low - 2 * top + high)


def test_equal_stretches_share_what_lies_in_them():
    lengths, values = np.array([[1.0, 3.0]]), np.array([[[4.0, 6.0]]])
    assert in_equal_stretches(values, lengths, 4)[0, 0] == pytest.approx([4, 2, 2, 2])
    assert in_equal_stretches(values, lengths, 2)[0, 0] == pytest.approx([6, 4])
