"""Hide and listen: what is hidden is hidden, nothing else, and the changes are those of the two mels."""

import json
from dataclasses import replace

import librosa
import numpy as np
import pytest

from rtmri2speech.analysis.occlusion import Occlusion, mean_changes, occlude, occlude_each, read_occlusion
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.polygons import Region
from rtmri2speech.anatomy.regions import NAMES, Regions, Verdict
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.progress import Progress
from rtmri2speech.spec import Band
from tests.conftest import lively_bundle, moving_frames

FPS = 11413 / 420
BOX = Region("box", ((0.25, 0.25), (0.75, 0.25), (0.75, 0.5), (0.25, 0.5)))  # rows 16 to 31, columns 16 to 47 of 64


def a_clip(frames=None):
    frames = moving_frames(40) if frames is None else frames
    return Clip(frames, np.arange(len(frames) + 1) / FPS)


@pytest.fixture(scope="module")
def bundle():
    return lively_bundle(moving_frames(40))


@pytest.fixture(scope="module")
def analysis(bundle):
    return analyse(bundle, a_clip())


def by_hand(mel_db, low_hz, high_hz):
    """Energy of a band in dB, with librosa's filterbank frequencies."""
    centres = librosa.mel_frequencies(66, fmin=0, fmax=11413 / 2)[1:-1]
    power = 10 ** (mel_db[:, (centres >= low_hz) & (centres <= high_hz)].astype(np.float64) / 10)
    return 10 * np.log10(power.sum(axis=1))


@pytest.mark.slow
def test_nothing_hidden_changes_exactly_nothing(bundle, analysis):
    for manner in ("dark", "still"):
        hidden = occlude(bundle, analysis, Occlusion((BOX,), manner, strength=0.0))
        assert hidden.same and np.array_equal(hidden.after.audio, analysis.audio)
        assert np.array_equal(hidden.after.mel_db, analysis.mel_db) and hidden.mcd_db == 0
        assert all((change == 0).all() for change in hidden.change_db.values())
        assert set(hidden.mean_change_db.values()) == {0.0} and hidden.rescaled_share == 0


def test_changes_are_those_of_a_clip_darkened_by_hand(bundle, analysis):
    hidden = occlude(bundle, analysis, Occlusion((BOX,), "dark", 1.0))
    dark, whole = hidden.after.model_frames, moving_frames(40)
    assert dark[:, 16:32, 16:48].max() == 0
    far = np.ones((64, 64), bool)
    far[15:33, 15:49] = False  # the border's own pixels are partly covered
    np.testing.assert_array_equal(dark[:, far], whole[:, far])
    after = analyse(bundle, a_clip(dark.copy()))
    np.testing.assert_array_equal(hidden.after.audio, after.audio)
    np.testing.assert_allclose(analysis.mel_db + hidden.difference_db, after.mel_db, atol=1e-4)
    assert not hidden.same
    for band, low_hz, high_hz in (("F1", 300, 900), ("F2", 900, 2500)):
        expected = by_hand(after.mel_db, low_hz, high_hz) - by_hand(analysis.mel_db, low_hz, high_hz)
        np.testing.assert_allclose(hidden.change_db[band], expected, atol=1e-3)
        assert np.abs(expected).max() > 0.1
        level = analysis.mel_db.mean(axis=1)
        assert hidden.mean_change_db[band] == pytest.approx(expected[level > level.max() - 25].mean(), abs=1e-3)


def test_a_followed_band_stays_where_it_was_and_tilt_is_a_slope(bundle, tmp_path):
    """Also where nothing is spoken; the mean is of the frames that have the formant."""
    f2_hz = np.where(np.arange(40) % 5 == 0, np.nan, np.linspace(900, 2400, 40))
    truth = {"formants_hz": np.stack([f2_hz] * 3, axis=1), "f0_hz": np.where(np.isnan(f2_hz), 0.0, 120.0), "fps": FPS}
    np.savez(tmp_path / "a.truth.npz", **truth)
    clip = replace(a_clip(), source=str(tmp_path / "a.mp4"))
    before = analyse(bundle, clip, [Band.parse("F2:formant2/truth"), Band.parse("tilt")], speak=False)
    hidden = occlude(bundle, before, Occlusion((BOX,), "dark", 1.0), speak=False)
    centres = librosa.mel_frequencies(66, fmin=0, fmax=11413 / 2)[1:-1]
    changes = []
    for t in range(40):
        near = np.abs(centres - f2_hz[t]) <= 200
        power = [(10 ** (made.mel_db[t, near].astype(float) / 10)).sum() for made in (hidden.after, before)]
        changes.append(10 * np.log10(power[0] / power[1]) if near.any() else np.nan)
    np.testing.assert_allclose(hidden.change_db["F2"], changes, atol=1e-3)
    told = [t for t in hidden.spoken if t % 5]
    assert hidden.mean_change_db["F2"] == pytest.approx(np.array(changes)[told].mean(), abs=1e-3)
    slopes = [np.polyfit(np.log2(centres), made.mel_db.T, 1)[0] for made in (hidden.after, before)]
    np.testing.assert_allclose(hidden.change_db["tilt"], slopes[0] - slopes[1], atol=1e-4)
    (tmp_path / "a.truth.npz").unlink()  # it is not measured again, and no map is made
    spoken = occlude(bundle, before, Occlusion((BOX,), "dark", 1.0))
    np.testing.assert_allclose(spoken.change_db["F2"], changes, atol=1e-3)
    assert spoken.after.cam == {} and len(spoken.after.audio)
    assert mean_changes({"F2": np.full(4, np.nan)}, np.arange(4)) == {"F2": None}


def test_speech_and_silence_are_told_apart_and_sizes_do_not_cancel(bundle, analysis):
    hidden = occlude(bundle, analysis, Occlusion((BOX,), "dark", 1.0, stretch=(4, 33)))
    level = analysis.mel_db.mean(axis=1)
    loud = [t for t in range(4, 34) if level[t] > level.max() - 25]
    soft = [t for t in range(4, 34) if t not in loud]
    assert hidden.spoken.tolist() == loud and hidden.silent.tolist() == soft
    for band, change in hidden.change_db.items():
        for frames, mean, size in (
            (loud, hidden.mean_change_db, hidden.mean_size_db),
            (soft, hidden.silent_change_db, hidden.silent_size_db),
        ):
            if frames:
                assert mean[band] == pytest.approx(sum(change[t] for t in frames) / len(frames), abs=1e-4)
                assert size[band] == pytest.approx(sum(abs(change[t]) for t in frames) / len(frames), abs=1e-4)
            else:
                assert mean[band] is None and size[band] is None


def test_only_the_stretch_is_hidden(bundle, analysis):
    hidden = occlude(bundle, analysis, Occlusion((BOX,), "dark", 0.5, stretch=(10, 19)))
    before, after = analysis.model_frames, hidden.after.model_frames
    changed = np.flatnonzero((before != after).any(axis=(1, 2)))
    assert changed.min() == 10 and changed.max() == 19 and len(changed) == 10
    np.testing.assert_allclose(after[10:20, 16:32, 16:48], before[10:20, 16:32, 16:48] / 2, atol=0.51)
    assert set(hidden.spoken) <= set(range(10, 20))


def test_still_takes_the_clips_mean_also_in_a_stretch(bundle, analysis):
    hidden = occlude(bundle, analysis, Occlusion((BOX,), "still", 1.0, stretch=(5, 9)))
    inside = hidden.after.model_frames[5:10, 16:32, 16:48]
    mean = analysis.model_frames[:, 16:32, 16:48].mean(axis=0)
    np.testing.assert_allclose(inside, np.broadcast_to(mean, inside.shape), atol=0.51)
    np.testing.assert_array_equal(hidden.after.model_frames[10:], analysis.model_frames[10:])


def test_a_stretch_without_speech_has_no_mean(bundle, analysis):
    assert mean_changes({"F1": np.arange(4.0)}, np.array([], int)) == {"F1": None}
    assert mean_changes({"F1": np.arange(4.0)}, np.array([1, 3])) == {"F1": 2.0}


def test_hiding_the_brightest_point_is_told(bundle):
    frames = np.full((30, 64, 64), 40, np.uint8)
    frames[:, 40:, :] = 90
    frames[:, :8, :8] = 0
    frames[:15, 20, 30] = 250  # inside the box in half of the frames
    analysis = analyse(bundle, a_clip(frames))
    assert occlude(bundle, analysis, Occlusion((BOX,), "dark", 0.5)).rescaled_share == 0.5
    for stretch, share in (((15, 29), 0), ((12, 19), 3 / 8)):
        assert occlude(bundle, analysis, Occlusion((BOX,), "dark", 0.5, stretch=stretch)).rescaled_share == share


def test_progress_can_end_the_work(bundle, analysis):
    class EnoughError(Exception):
        pass

    def stop(stage, done, total):
        raise EnoughError

    with pytest.raises(EnoughError):
        occlude(bundle, analysis, Occlusion((BOX,)), Progress(stop))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"regions": ()}, "Nothing is hidden"),
        ({"manner": "blue"}, "dark or still"),
        ({"strength": 1.5}, "strength"),
        ({"strength": float("nan")}, "strength"),
        ({"regions": (BOX.shifted(2, 0),)}, "outside the picture"),
        ({"stretch": (3, 40)}, "frames 0 to 39"),
        ({"stretch": (-1, 4)}, "frames 0 to 39"),
        ({"stretch": (9, 4)}, "no stretch"),
    ],
)
def test_bad_hidings(bundle, analysis, change, words):
    with pytest.raises(InputError, match=words):
        occlude(bundle, analysis, Occlusion(**({"regions": (BOX,)} | change)))


ASKED = {"regions": ["lips", "tongue"], "own": [], "manner": "still", "strength": 0.3, "where": "clip"}


def test_what_a_drawing_board_asks_for():
    hiding = read_occlusion(json.dumps(ASKED), (3, 9))
    assert (hiding.moving, hiding.regions) == (("lips", "tongue"), ())
    assert (hiding.manner, hiding.strength, hiding.stretch) == ("still", 0.3, None)
    assert read_occlusion(json.dumps(ASKED | {"where": "stretch"}), None).stretch is None  # none chosen: the whole clip
    own = [[[0.1, 0.1], [0.3, 0.1], [0.2, 0.4]]]
    drawn = read_occlusion(json.dumps(ASKED | {"regions": [], "own": own, "where": "stretch"}), (3, 9))
    assert drawn.regions[0].polygon == ((0.1, 0.1), (0.3, 0.1), (0.2, 0.4)) and drawn.stretch == (3, 9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("", "cannot be read"),
        ("[]", "cannot be read"),
        ("[" * 50_000, "cannot be read"),
        (json.dumps(ASKED)[:-5], "cannot be read"),
        (" " * 200_000, "cannot be read"),
        (json.dumps(ASKED | {"own": [[[0.1], [0.2, 0.3]]]}), "cannot be read"),
        (json.dumps(ASKED | {"own": 4}), "cannot be read"),
        (json.dumps(ASKED | {"strength": None}), "cannot be read"),
        (json.dumps(ASKED | {"regions": None}), "cannot be read"),
        (json.dumps(ASKED | {"own": [[[0.1, 0.1], [float("nan"), 0], [1, 1]]]}), "finite"),
        (json.dumps(ASKED | {"own": [[[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]]}), "no area"),
        (json.dumps(ASKED | {"regions": []}), "Nothing is hidden"),
        (json.dumps(ASKED | {"regions": ["../lips"]}), "There is no region"),
        (json.dumps(ASKED | {"manner": "__class__"}), "dark or still"),
    ],
)
def test_a_browser_can_send_anything(text, words):
    with pytest.raises(InputError, match=words):
        read_occlusion(text, None)


def anatomy_of(frames: np.ndarray) -> Regions:
    """A tongue, a box of 64 px on the picture of 256, that moves 2 px to the right a frame; a velum that is nowhere."""
    labels = np.zeros((len(frames), 256, 256), np.uint8)
    for t, frame in enumerate(labels):
        frame[64:128, 40 + 2 * t : 104 + 2 * t] = NAMES.index("tongue")
    return Regions(labels, FPS, frames.shape[1:], "truth", np.ones((len(frames), len(NAMES)), np.float32))


def test_a_region_that_moves_is_hidden_where_it_is_in_each_frame(bundle, analysis):
    frames = moving_frames(40)
    anatomy = anatomy_of(frames)
    hidden = occlude(bundle, analysis, Occlusion(moving=("tongue",), stretch=(2, 38)), anatomy=anatomy)
    for t in (2, 20, 38):
        dark = hidden.after.model_frames[t]
        left = (40 + 2 * t) // 4  # of the clip's own 64 pixels
        assert dark[17:31, left + 1 : left + 15].max() == 0
        assert np.array_equal(dark[:, : left - 1], frames[t][:, : left - 1])
        assert np.array_equal(dark[:15], frames[t][:15])
        assert hidden.mask_at(t)[24, left + 8] == 1 and hidden.mask_at(t)[24, left - 3] == 0
    assert np.array_equal(hidden.after.model_frames[1], frames[1])
    still = occlude(bundle, analysis, Occlusion(moving=("tongue",), manner="still"), anatomy=anatomy)
    assert still.after.model_frames[20][24, (40 + 40) // 4 + 8] == np.rint(frames[:, 24, (40 + 40) // 4 + 8].mean())


def test_moving_regions_and_polygons_can_be_hidden_together(bundle, analysis):
    anatomy = anatomy_of(moving_frames(40))
    both = occlude(bundle, analysis, Occlusion((BOX,), moving=("tongue",)), anatomy=anatomy)
    assert both.after.model_frames[39][17:31, 17:47].max() == 0  # the box
    assert both.after.model_frames[0][17:31, 11:25].max() == 0  # the tongue


def test_moving_regions_need_the_clips_anatomy_and_known_names(bundle, analysis):
    with pytest.raises(InputError, match="have been found"):
        occlude(bundle, analysis, Occlusion(moving=("tongue",)))
    with pytest.raises(InputError, match="have been found"):
        occlude(bundle, analysis, Occlusion(moving=("tongue",)), anatomy=anatomy_of(moving_frames(12)))
    with pytest.raises(InputError, match="outside the picture"):
        occlude(bundle, analysis, Occlusion(moving=("velum",)), anatomy=anatomy_of(moving_frames(40)))
    with pytest.raises(InputError, match="nose"):
        Occlusion(moving=("nose",))


def test_each_region_in_turn_is_the_same_as_hiding_it_alone(bundle, analysis):
    labels = np.zeros((40, 256, 256), np.uint8)
    labels[:, 64:128, 64:192] = NAMES.index("tongue")
    labels[:, :40, :40] = NAMES.index("brain")
    regions = Regions(labels, FPS, (64, 64), "truth", np.ones((40, len(NAMES)), np.float32))
    rows = {row.name: row for row in occlude_each(bundle, analysis, regions)}
    assert set(rows) == {"tongue", "brain"}  # what the clip does not show cannot be hidden
    alone = occlude(bundle, analysis, Occlusion(moving=("tongue",)), anatomy=regions)
    assert rows["tongue"].size_db == pytest.approx(alone.mean_size_db) and rows["tongue"].mcd_db == alone.mcd_db
    assert rows["tongue"].change_db == pytest.approx(alone.mean_change_db)
    assert rows["tongue"].area == pytest.approx(64 * 128 / 256**2)
    assert list(rows) == sorted(rows, key=lambda name: -rows[name].mcd_db)
    with pytest.raises(InputError, match="no head in profile"):
        occlude_each(bundle, analysis, replace(regions, verdict=Verdict("not_a_head")))
