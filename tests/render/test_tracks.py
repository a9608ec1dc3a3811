"""What runs under a video's picture: the cursor, labels and spectrogram stand at the frame's time."""

import numpy as np
import pytest

from rtmri2speech.render.colour import colour_table
from rtmri2speech.render.tracks import LONGEST_S, Tracks
from rtmri2speech.spec import F1, F2, Band

FPS = 20.0
HZ = np.linspace(50, 5500, 64)
RED = (255, 60, 80)


def cursor_of(strip):
    """The column of the cursor's middle."""
    return np.flatnonzero((strip[2] == RED).all(axis=-1)).mean()


def tracks(count=40, first=10, mel=None, intervals=(), size=(600, 400)):
    mel = np.full((count, 64), -60.0) if mel is None else mel
    return Tracks(size, FPS, first, count, mel, HZ, [(F1, "#ffa420"), (F2, "#56bef5")], intervals)


def test_the_cursor_runs_evenly_from_the_first_to_the_last_frame():
    strip = tracks()
    places = [cursor_of(strip.draw(frame)) for frame in range(10, 50)]
    steps = np.diff(places)
    assert steps.mean() == pytest.approx((places[-1] - places[0]) / 39) and np.ptp(steps) <= 1.01
    assert 600 - places[-1] < 20 and 30 < places[0] < 100


def test_the_loud_cell_lies_under_the_cursor_at_its_frequency():
    mel = np.full((40, 64), -90.0)
    mel[25, 40] = 0.0
    strip = tracks(mel=mel)
    picture = strip.draw(12).astype(int)  # the cursor elsewhere
    hot = np.abs(picture - colour_table("inferno")[255].astype(int)).sum(axis=-1) < 20
    rows, columns = np.nonzero(hot)
    assert columns.mean() == pytest.approx(cursor_of(strip.draw(35)), abs=2)
    plot = picture.shape[0] - rows.mean()
    assert 0.5 < plot / picture.shape[0] < 0.7  # bin 40 of 64, from below


@pytest.mark.parametrize("hz, colour", [(300, (255, 164, 32)), (900, (86, 190, 245)), (2500, (86, 190, 245))])
def test_a_line_lies_at_each_limit_of_a_band_where_the_spectrogram_has_that_frequency(hz, colour):
    mel = np.full((40, 64), -90.0)
    mel[:, np.abs(HZ - hz).argmin()] = 0.0
    lined, bare = (
        Tracks((600, 400), FPS, 10, 40, mel, HZ, bands, ()).draw(12)[:, 300].astype(int)
        for bands in ([(F1, "#ffa420"), (F2, "#56bef5")], [])
    )
    lines = np.flatnonzero((lined == colour).all(axis=-1))
    hot = np.flatnonzero(np.abs(bare - colour_table("inferno")[255].astype(int)).sum(axis=-1) < 20)
    assert np.abs(lines[:, None] - hot).min() <= 2


def test_a_followed_band_is_lined_around_its_formant_and_a_whole_spectrum_not_at_all():
    mel, track = np.full((40, 64), -90.0), np.full(40, np.nan)
    track[20:] = 1500.0
    band = Band.parse("F2:formant2+-300/truth")

    def lines(bands, frame, followed):
        strip = Tracks((600, 400), FPS, 10, 40, mel, HZ, bands, (), followed)
        x = round(cursor_of(strip.draw(10 + frame)))
        picture = strip.draw(10 if frame > 5 else 45)
        return np.flatnonzero((picture[:, x] == (86, 190, 245)).all(axis=-1)).tolist()

    fixed = [(Band("x", 1200, 1800), "#56bef5")]
    at = lines([(band, "#56bef5")], 30, {"F2": track})
    assert len(at) == 2 and at == lines(fixed, 30, {})
    assert lines([(band, "#56bef5")], 12, {"F2": track}) == []  # the formant is missing there
    assert lines([(Band.parse("loudness"), "#56bef5")], 30, {}) == []


def test_the_label_that_is_spoken_stands_on_lighter_ground():
    strip = tracks(intervals=[(0.6, 1.0, "a"), (1.0, 2.0, "い"), (2.0, 2.4, " ")])
    for frame, spoken in ((14, (0.6, 1.0)), (30, (1.0, 2.0))):
        picture = strip.draw(frame)
        here = np.flatnonzero((picture[3] == (70, 78, 88)).all(axis=-1))
        ends = [round(at * FPS) for at in spoken]
        left, right = (np.mean([cursor_of(strip.draw(frame)) for frame in (end - 1, end)]) for end in ends)
        assert here[0] == pytest.approx(left, abs=2) and here[-1] == pytest.approx(right, abs=2)
    assert not (strip.draw(44)[3] == (70, 78, 88)).all(axis=-1).any()


def test_a_long_stretch_is_shown_page_by_page():
    count = round(3 * LONGEST_S * FPS)
    strip = tracks(count, first=0)
    places = [cursor_of(strip.draw(frame)) for frame in range(count)]
    assert (np.diff(places) < 0).sum() == 2
    assert strip.draw(0).shape == strip.draw(count - 1).shape


@pytest.mark.parametrize("size", [(512, 512), (301, 257), (64, 64)])
def test_the_height_is_even_and_without_spectrogram_low(size):
    assert tracks(size=size).height % 2 == 0
    low = Tracks(size, FPS, 0, 10, None, HZ, [(F1, "#ffa420")], [(0, 1, "a")])
    assert low.height % 2 == 0 and low.draw(3).shape == (low.height, size[0], 3)
