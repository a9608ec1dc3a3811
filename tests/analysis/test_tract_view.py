"""A bundle whose model sees the tract only: what lies outside changes nothing, and maps are 0 there."""

from dataclasses import replace

import numpy as np
import pytest

from rtmri2speech import analyse, read_clip
from rtmri2speech.analysis.chunked import analyse_in_chunks
from rtmri2speech.analysis.occlusion import Occlusion, occlude
from rtmri2speech.analysis.settings import AnalysisSettings
from rtmri2speech.anatomy.polygons import Region
from rtmri2speech.assets import ASSETS
from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.frame_view import FrameView
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import evaluate_faithfulness
from rtmri2speech.spec import FrameSpec

from ..conftest import lively_bundle

CLIP = ASSETS / "clips" / "sakura_known_speaker.mp4"


@pytest.fixture(scope="module")
def clip() -> Clip:
    whole = read_clip(CLIP)
    return replace(whole, frames=whole.frames[20:44], times_s=whole.times_s[:25], audio=None, audio_rate=None)


@pytest.fixture(scope="module")
def tract_bundle(clip):
    return replace(lively_bundle(clip.frames), frames=FrameSpec(view="tract"))


@pytest.fixture(scope="module")
def made(tract_bundle, clip):
    return analyse(tract_bundle, clip, method="layer-ig", speak=False)


def test_maps_cover_the_picture_and_are_nothing_outside(made):
    cells, cam = made.settings.resolution, made.cam["F1"]
    assert cam.shape[1:] == (2 * cells, 2 * cells)
    heat, mask = made.heatmap("F1"), made.view.mask(256)
    assert heat.shape == (len(cam), 256, 256) and heat.max() > 0.5
    assert not heat[:, ~mask].any()
    assert made.frames.shape == made.seen.shape
    assert not np.allclose(made.frames, made.seen)


def test_the_sum_of_a_map_is_that_in_the_window(tract_bundle, clip, made):
    class Window(FrameView):
        seen = staticmethod(made.view.seen)
        blurred = staticmethod(made.view.blurred)  # its maps stay those of the window

    window = analyse(tract_bundle, clip, method="layer-ig", speak=False, view=Window())
    cells = made.settings.resolution
    assert window.cam["F2"].shape[1:] == (cells, cells)
    sums = [one.cam["F2"].sum(axis=(1, 2)) for one in (window, made)]
    assert np.allclose(*sums, rtol=1e-3, atol=1e-3 * np.abs(sums[0]).max())


def test_what_lies_outside_changes_nothing(tract_bundle, clip, made):
    noise = np.random.default_rng(0).integers(0, 255, clip.frames.shape, np.uint8)
    other = np.where(made.view.mask(clip.frames.shape[1]), clip.frames, noise)
    # both frames keep their darkest and brightest level, by which the whole picture is scaled
    changed = analyse(tract_bundle, replace(clip, frames=other), bands=(), speak=False, view=made.view)
    assert np.abs(changed.mel_db - made.mel_db).max() < 0.3
    forehead = Region("forehead", ((0.3, 0.02), (0.5, 0.02), (0.5, 0.2), (0.3, 0.2)))
    hidden = occlude(tract_bundle, made, Occlusion((forehead,)), speak=False)
    assert np.abs(hidden.change_db["F1"]).max() < 0.05


def test_chunks_share_the_view_of_the_whole_clip(tract_bundle, clip, made):
    settings = AnalysisSettings(method="layer-ig")
    chunked = analyse_in_chunks(tract_bundle, clip, settings=settings, speak=False)
    assert np.array_equal(chunked.view.region, made.view.region)
    assert np.allclose(chunked.cam["F1"], made.cam["F1"], atol=1e-4)


def test_a_clip_without_a_tract_is_refused(tract_bundle):
    noise = np.random.default_rng(1).integers(0, 255, (12, 64, 64), np.uint8)
    with pytest.raises(InputError, match="No vocal tract was found.* sees nothing else"):
        analyse(tract_bundle, Clip(noise, np.arange(13) / 27.17))


def test_the_verdict_is_of_the_whole_picture_and_nothing_happens_outside(tract_bundle, clip, made):
    view = made.view.mask(256)
    masks = {"tongue": view[None]}
    report = evaluate_faithfulness(tract_bundle, made, masks, most_frames=10)
    result = report.bands["F1"]
    assert result.outside_tract.share_of_attribution < 0.02
    assert result.outside_tract.share_of_effect < 0.02 and abs(result.outside_tract.effect_db) < 0.02
    assert result.whole_picture.drop_db > 0
