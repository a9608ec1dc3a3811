"""A long clip's results, one after the other, without a browser."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from rtmri2speech.analysis import chunked, occlusion
from rtmri2speech.analysis.occlusion import Occlusion, occlude, occlude_each
from rtmri2speech.analysis.region_attribution import RegionMasks, attribute_to_regions
from rtmri2speech.anatomy.regions import on_clip
from rtmri2speech.clips import disk_array
from rtmri2speech.errors import InputError
from rtmri2speech.labels.annotation import renamed, with_boundary
from rtmri2speech.labels.textgrid import write_tiers
from rtmri2speech.progress import UNSEEN, Progress
from rtmri2speech.ui import long_clips
from rtmri2speech.ui.jobs import Stopped
from rtmri2speech.ui.resynthesis import resynthesise
from tests.conftest import moving_frames, write_mp4

FRAMES = 100


@pytest.fixture
def results(bundle, tmp_path, monkeypatch):
    """Of a clip of 100 frames in pieces of 32, with labels beside it."""
    for module in (chunked, long_clips):
        monkeypatch.setattr(module, "FIRST", 32)
    monkeypatch.setattr(chunked, "CHUNK", 32)
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


@pytest.mark.slow
def test_maps_of_all_pieces_are_those_of_the_clip_analysed_in_pieces(results, bundle):
    *_, last = results
    expected = chunked.analyse_in_chunks(bundle, last.analysis.clip, settings=last.analysis.settings)
    for name, cam in expected.cam.items():
        np.testing.assert_array_equal(last.analysis.cam[name], cam)


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["dark", "still"])
def test_what_hides_in_a_long_clip_is_hidden_in_pieces(results, bundle, monkeypatch, manner):
    monkeypatch.setattr(chunked, "CONTEXT", 4)
    monkeypatch.setattr(long_clips, "CONTEXT", 4)
    *_, last = results
    analysis = last.analysis
    labels = np.stack([np.roll(label, t // 8, axis=-1) for t, label in enumerate(last.regions.labels)])
    regions = replace(last.regions, labels=labels)  # which move
    frames, tongue = np.array(analysis.model_frames), regions.mask("tongue")
    lengths, whole = [], chunked.analyse

    def noted(bundle, clip, *others, **choices):
        lengths.append(len(clip.frames))
        return whole(bundle, clip, *others, **choices)

    monkeypatch.setattr(chunked, "analyse", noted)
    monkeypatch.setattr(occlusion, "NAMED_REGIONS", ("lips", "tongue"))  # of all regions it would take a minute
    monkeypatch.setattr(occlusion, "_AT_ONCE", 30)
    monkeypatch.setattr(disk_array, "LARGEST_IN_MEMORY", 2**16)  # pictures and masks lie in files
    asked = Occlusion(manner=manner, moving=("tongue",), stretch=(20, 70))
    told = []
    hidden = replace(last, regions=regions).hiding(bundle, asked, Progress(lambda *step: told.append(step)))
    assert len(lengths) == 4 and max(lengths) <= 32 + 2 * chunked.CONTEXT
    assert isinstance(hidden.mask, np.memmap) and isinstance(hidden.after.model_frames, np.memmap)
    done = [part / all for _, part, all in told]
    assert done == sorted(done)

    covered = np.stack([on_clip(mask, frames.shape[1:]) >= 0.5 for mask in tongue])
    np.testing.assert_array_equal(hidden.mask, covered)
    expected, posture = frames.copy(), np.rint(frames.mean(axis=0))
    for t in range(20, 71):
        expected[t][covered[t]] = 0 if manner == "dark" else posture[covered[t]]
    np.testing.assert_array_equal(hidden.after.model_frames, expected)
    levels = np.stack([frames[20:71].reshape(51, -1), expected[20:71].reshape(51, -1)]).astype(int)
    gone = np.abs([np.ptp(edge, axis=0) for edge in (levels.min(axis=2), levels.max(axis=2))]).max(axis=0) > 2
    assert hidden.rescaled_share == pytest.approx(gone.mean())

    if manner == "still":
        return
    # a clip of which nothing is taken away says what it said
    assert occlude(bundle, analysis, replace(asked, strength=0), UNSEEN, regions, by=last.analysed_by).same
    lengths.clear()
    alone = occlude(
        bundle, analysis, Occlusion(manner=manner, moving=("tongue",)), UNSEEN, regions, False, last.analysed_by
    )
    rows = occlude_each(bundle, analysis, regions, manner, by=last.analysed_by)
    assert max(lengths) <= 32 + 2 * chunked.CONTEXT and len(lengths) == 4 * (1 + len(rows))
    row = next(row for row in rows if row.name == "tongue")
    assert row.size_db == alone.mean_size_db and row.mcd_db == alone.mcd_db
    assert row.area == pytest.approx(tongue[analysis.speech].mean())
    shares = attribute_to_regions(analysis, RegionMasks(regions)).bands["F1"].mean_shares(analysis.speech)
    assert row.share["F1"] == pytest.approx(shares["tongue"])


@pytest.mark.slow
def test_a_long_clip_is_spoken_again_in_pieces_and_can_be_stopped(results, bundle, monkeypatch):
    *_, last = results
    lengths, whole = [], chunked.analyse

    def noted(bundle, clip, *others, **choices):
        lengths.append(len(clip.frames))
        return whole(bundle, clip, *others, **choices)

    monkeypatch.setattr(chunked, "analyse", noted)
    told = []
    made = resynthesise(bundle, last, None, False, Progress(lambda *step: told.append(step)))
    assert len(lengths) == 4 and max(lengths) <= 32 + 2 * chunked.CONTEXT
    done = [part / all for _, part, all in told]
    assert done == sorted(done) and {stage for stage, *_ in told} >= {"frames", "speech", "packing"}
    np.testing.assert_array_equal(made.result.analysis.audio, last.analysis.audio)

    def stop(stage, done, total):
        if stage == "packing":
            raise Stopped

    with pytest.raises(Stopped):
        resynthesise(bundle, last, None, False, Progress(stop))
