"""A long clip's results, one after the other, without a browser."""

import json
from fractions import Fraction

import numpy as np
import pytest

from rtmri2speech import pieces
from rtmri2speech.errors import InputError
from rtmri2speech.labels import write_tiers
from rtmri2speech.progress import UNSEEN, Progress
from rtmri2speech.tier import renamed, with_boundary
from rtmri2speech.ui import long_clips
from rtmri2speech.ui.jobs import Stopped
from rtmri2speech.ui.speaking import speak_again
from tests.conftest import moving_frames, write_mp4

FRAMES = 100


@pytest.fixture
def results(bundle, tmp_path, monkeypatch):
    """Of a clip of 100 frames in pieces of 32, with labels beside it."""
    for module in (pieces, long_clips):
        monkeypatch.setattr(module, "FIRST", 32)
    monkeypatch.setattr(pieces, "PIECE", 32)
    write_mp4(tmp_path / "clip.mp4", moving_frames(FRAMES), fps=Fraction(11413, 420))
    write_tiers(tmp_path / "clip.TextGrid", [(0.0, 0.9, "a"), (0.9, 2.5, "m"), (2.5, 3.6, "i")], [], 0.0, 3.6)
    (tmp_path / "store").mkdir()
    return long_clips.open_long_clip(
        bundle, tmp_path / "clip.mp4", None, UNSEEN, tmp_path / "store", regions="template"
    )


def said(result):
    return [label for *_, label in json.loads(result.payload)["labels"]]


def test_what_is_written_goes_over_to_what_follows(results):
    begun = next(results)
    assert said(begun) == ["a", "m"]
    edited = begun.relabelled(lambda tier, remarks: (renamed(tier, 0.1, "ɯ"), ((0.5, "look"),)))
    assert said(edited) == ["ɯ", "m"] and len(edited.analysis.mel_db) == 32
    with pytest.raises(InputError):
        edited.relabelled(lambda tier, remarks: (with_boundary(tier, 0.9), remarks))
    assert next(results) is edited  # the page may have taken over the unedited one last
    # the page still holds an older result as the next piece arrives
    more = next(results)
    late = edited.relabelled(lambda tier, remarks: (renamed(tier, 2.6, "o"), remarks))
    assert len(late.analysis.mel_db) == len(more.analysis.mel_db) > 32 and said(late) == ["ɯ", "m"]
    *_, last = results
    assert said(last) == ["ɯ", "m", "o"] and last.remarks == ((0.5, "look"),) and last.edited
    assert [round(edge, 3) for edge, *_ in last.labels][:3] == [0.0, 0.9, 2.5]
    assert last.relabelled(lambda tier, remarks: (renamed(tier, 0.1, "e"), remarks)).labels[0][2] == "e"
    assert len(last.analysis.mel_db) == FRAMES


def test_maps_of_all_pieces_are_those_of_the_clip_analysed_in_pieces(results, bundle):
    *_, last = results
    choices = {"grid": last.analysis.grid, "against": last.analysis.against}
    expected = pieces.analyse_long(bundle, last.analysis.clip, **choices)
    for name, cam in expected.cam.items():
        np.testing.assert_array_equal(last.analysis.cam[name], cam)


def test_a_long_clip_is_spoken_again_in_pieces_and_can_be_stopped(results, bundle, monkeypatch):
    *_, last = results
    lengths, whole = [], pieces.analyse

    def noted(bundle, clip, *others, **choices):
        lengths.append(len(clip.frames))
        return whole(bundle, clip, *others, **choices)

    monkeypatch.setattr(pieces, "analyse", noted)
    told = []
    made = speak_again(bundle, last, None, False, Progress(lambda *step: told.append(step)))
    assert len(lengths) == 4 and max(lengths) <= 32 + 2 * pieces.CONTEXT
    done = [part / all for _, part, all in told]
    assert done == sorted(done) and {stage for stage, *_ in told} >= {"frames", "speech", "packing"}
    np.testing.assert_array_equal(made.result.analysis.audio, last.analysis.audio)

    def stop(stage, done, total):
        if stage == "packing":
            raise Stopped

    with pytest.raises(Stopped):
        speak_again(bundle, last, None, False, Progress(stop))
