"""Labels are edited, saved as a TextGrid and read again by Praat."""

import pytest

from rtmri2speech.errors import InputError
from rtmri2speech.labels.annotation import moved_boundary, renamed, tier_of, with_boundary, without_boundary
from rtmri2speech.labels.textgrid import read_intervals, read_remarks, write_tiers

TIER = ((0.0, 0.5, ""), (0.5, 0.9, "a"), (0.9, 2.0, "ɾ"))


def test_gaps_are_empty_and_overlaps_are_refused():
    assert tier_of([(0.9, 5.0, "ɾ"), (0.5, 0.9, "a")], 2.0) == TIER
    assert tier_of([], 1.5) == ((0.0, 1.5, ""),)
    assert tier_of([(0.2, 0.4, "a")], 1.0) == ((0.0, 0.2, ""), (0.2, 0.4, "a"), (0.4, 1.0, ""))
    with pytest.raises(InputError, match="overlap at 0.400 s"):
        tier_of([(0.0, 0.5, "a"), (0.4, 0.8, "b")], 1.0)


def test_boundaries_are_added_moved_and_removed():
    assert with_boundary(TIER, 0.7) == (TIER[0], (0.5, 0.7, "a"), (0.7, 0.9, "a"), TIER[2])
    assert moved_boundary(TIER, 1.1) == (TIER[0], (0.5, 1.1, "a"), (1.1, 2.0, "ɾ"))
    assert without_boundary(TIER, 0.85) == (TIER[0], (0.5, 2.0, "aɾ"))
    assert without_boundary(with_boundary(TIER, 0.7), 0.7) == TIER
    assert renamed(TIER, 0.2, " pause ") == ((0.0, 0.5, "pause"), *TIER[1:])
    for edit, at_s in ((with_boundary, 0.5), (with_boundary, 0.8999), (moved_boundary, 0.4999 - 0.4999)):
        with pytest.raises(InputError):
            edit(TIER, at_s)
    with pytest.raises(InputError, match="no boundary yet"):
        moved_boundary(((0.0, 1.0, ""),), 0.5)


def test_a_boundary_stays_between_its_neighbours():
    close = ((0.0, 0.5, ""), (0.5, 0.502, "t"), (0.502, 2.0, "a"))
    with pytest.raises(InputError, match="past its neighbours"):
        moved_boundary(close, 0.503)


def test_what_is_saved_is_read_again(tmp_path):
    remarks = ((0.25, "速い"), (1.5, "lips close"))
    write_tiers(tmp_path / "x.TextGrid", TIER, remarks, 0.0, 2.0)
    assert [(pytest.approx(a), pytest.approx(b), text) for a, b, text in TIER] == read_intervals(
        tmp_path / "x.TextGrid"
    )
    assert [(pytest.approx(at), said) for at, said in remarks] == read_remarks(tmp_path / "x.TextGrid")
    write_tiers(tmp_path / "cut.TextGrid", TIER, remarks, 0.7, 1.0)
    cut = read_intervals(tmp_path / "cut.TextGrid")
    assert (
        [text for *_, text in cut] == ["a", "ɾ"] and cut[0][1] == pytest.approx(0.2) and cut[1][1] == pytest.approx(0.3)
    )
    assert read_remarks(tmp_path / "cut.TextGrid") == []
