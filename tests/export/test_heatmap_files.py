"""Heatmap sequences: cut between two times, written and read again, and laid on the clip they belong to."""

import json
import resource
import sys

import numpy as np
import pytest

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.export import grad_cam_files
from rtmri2speech.export.heatmap_files import HeatSequence, files_of, read_sequence
from rtmri2speech.progress import Progress
from rtmri2speech.render import figures
from rtmri2speech.spec import F2, Band
from tests.conftest import moving_frames


def counting(count: int, fps: float | None = 10.0, **known) -> HeatSequence:
    """Heatmap t is filled with t / count."""
    levels = (np.arange(count) / count).astype(np.float32)
    return HeatSequence(levels[:, None, None] * np.ones((1, 2, 3), np.float32), fps, **known)


def test_a_cut_takes_the_frames_whose_midpoint_lies_between_the_times():
    whole = HeatSequence(np.arange(10.0)[:, None, None] * np.ones((1, 2, 2)), 10)

    def taken(from_s, to_s):
        return whole.cut(from_s, to_s).frames[:, 0, 0].tolist()

    # At 10 fps the midpoints are 0.05, 0.15, ... s.
    assert taken(0.2, 0.5) == [2, 3, 4]
    assert taken(0.14, 0.26) == [1, 2]
    assert taken(0.15, 0.25) == [1]
    assert taken(0, 1) == list(range(10))
    assert np.shares_memory(whole.cut(0.2, 0.5).frames, whole.frames)


def test_a_cut_of_a_cut_knows_its_frame_of_the_clip():
    whole = counting(20, start_frame=7, band=F2, origin={"video": "x.mp4"})
    part = whole.cut(0.5, 1.5).cut(0.2, 0.6)
    assert part.start_frame == 7 + 5 + 2 and len(part) == 4
    np.testing.assert_array_equal(part.frames, whole.frames[7:11])
    assert part.record == {"video": "x.mp4", "fps": 10.0, "start_frame": 14, "band": F2.to_json()}


def test_a_cut_of_heatmaps_that_are_not_yet_computed():
    grids = np.random.default_rng(0).random((10, 8, 8)).astype(np.float32)
    lazy = upsample_grid(grids, (32, 32))
    part = HeatSequence(lazy, 10.0).cut(0.2, 0.5)
    assert part.frames.shape == (3, 32, 32) and part.start_frame == 2
    np.testing.assert_array_equal(np.stack(list(part.frames)), np.stack(list(lazy))[2:5])


@pytest.mark.parametrize(
    ("start", "end", "fps", "words"),
    [
        (0.5, 0.2, 10, "earlier first"),
        (-0.1, 0.2, 10, "earlier first"),
        (float("nan"), 0.2, 10, "earlier first"),
        (0.2, 2.0, 10, "1.000 s"),
        (0.06, 0.12, 10, "No frame"),
        (0.2, 0.5, 0, "frame rate"),
    ],
)
def test_what_cannot_be_cut(start, end, fps, words):
    with pytest.raises(InputError, match=words):
        HeatSequence(np.zeros((10, 2, 2)), fps).cut(start, end)


def test_what_is_written_is_read_again(tmp_path):
    path, told = tmp_path / "帯域.npy", []
    whole = counting(5, start_frame=3, band=F2, origin={"video": "発話.mp4", "bundle_sha256": {"a": "1"}})
    whole.write(path, Progress(lambda *step: told.append(step)))
    again = read_sequence(path)
    np.testing.assert_array_equal(again.frames, whole.frames)
    np.testing.assert_array_equal(np.load(path), whole.frames)
    assert again.record == whole.record and again.label == F2.label
    assert told[-1] == ("heatmaps", 5, 5)
    assert read_sequence(path, fps=60).fps == 60 and read_sequence(path).fps == 10
    files_of(path)[1].unlink()
    bare = read_sequence(path)
    assert (bare.fps, bare.start_frame, bare.band, bare.label) == (None, 0, None, "帯域")


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ({"fps": 10}, None),  # of another program
        ([1], None),
        ({"start_frame": 0, "fps": "fast"}, "damaged"),
        ({"start_frame": 0, "fps": 0}, "damaged"),
        ({"start_frame": -1}, "damaged"),
        ({"start_frame": 0, "band": {"name": "F1"}}, "low_hz is missing"),
    ],
)
def test_the_record_of_another_program_is_passed_over_and_a_damaged_one_refused(tmp_path, record, fault):
    counting(3).write(tmp_path / "a.npy")
    (tmp_path / "a.json").write_text(json.dumps(record))
    if fault is None:
        assert read_sequence(tmp_path / "a.npy").fps is None
        return
    with pytest.raises(InputError, match=fault):
        read_sequence(tmp_path / "a.npy")


@pytest.mark.skipif(sys.platform == "win32", reason="the disk is made full by a POSIX limit")
def test_both_files_or_none(tmp_path):
    old = counting(3, band=F2)
    old.write(tmp_path / "a.npy")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    new = counting(3, origin={"video": "x" * 10_000})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(InputError, match="Cannot write"):
            new.write(tmp_path / "a.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_the_clip_is_shown_at_the_rate_of_its_heatmaps():
    clip = Clip(np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8), np.arange(41) / 20)
    frames, fps = counting(20, 10.0).frames_of(clip)
    assert fps == 10 and frames.shape == (20, 16, 16)
    np.testing.assert_array_equal(frames[:, 0, 0], np.rint(np.arange(20) * 2 + 0.5))  # the mean of each two
    same, fps = counting(40, None).frames_of(clip)
    assert same is clip.frames and fps == 20
    assert counting(7, None).frames_of(clip)[1] == pytest.approx(11413 / 420)


def test_frames_without_the_formant_do_not_count_as_zeros(bundle, tmp_path, monkeypatch):
    """In gradcam's average, as in a corpus' mean maps and an export's average."""
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    frames = moving_frames(20, 64, 64)
    f2_hz = np.where(np.arange(20) < 5, 1500.0, np.nan)
    made = analyse(
        bundle,
        Clip(frames, np.arange(21) / bundle.fps, source="x.mp4"),
        [Band.parse("F2:formant2+-400")],
        formants_hz={"F2": f2_hz},
        speak=False,
    )
    assert made.has_map("F2").tolist() == [True] * 5 + [False] * 15
    shown = {}
    monkeypatch.setattr(
        grad_cam_files, "average_figure", lambda path, frames, heat, counted, **_: shown.update(counted)
    )
    monkeypatch.setattr(grad_cam_files, "frame_figure", lambda *_, **__: None)
    grad_cam_files.write_gradcam(tmp_path / "out", made, bundle)
    (counted,) = shown.values()
    assert counted.tolist() == made.has_map("F2").tolist()
    heat = made.heatmap_frames("F2")
    mean = figures._mean(heat, "F2", made.has_map("F2"))
    np.testing.assert_allclose(mean, np.mean([heat[t] for t in range(5)], axis=0), atol=1e-6)
    assert mean.max() > 0
