"""The road from a clip to its result."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch

from rtmri2speech import analyse, read_clip
from rtmri2speech.attribution.normalisation import clip_scale, display_grid
from rtmri2speech.clips.clip import Clip
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import vocoder_input
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.progress import Progress
from rtmri2speech.spec import Band
from tests.conftest import moving_frames


@pytest.fixture(scope="module")
def clip():
    return Clip(moving_frames(40, 68, 68), np.arange(41) / 23.18)


@pytest.fixture(scope="module")
def analysis(bundle, clip):
    return analyse(bundle, clip)


@pytest.mark.slow
def test_result_equals_the_plain_networks(bundle, clip, analysis):
    count = round(40 / 23.18 * 11413 / 420)
    assert analysis.mel_db.shape == (count, 64) and analysis.fps == pytest.approx(11413 / 420)
    assert analysis.sample_rate == 11413 and analysis.audio.shape == (count * 420,)
    assert abs(len(analysis.audio) / 11413 - clip.duration) < 0.5 / analysis.fps
    with torch.no_grad():
        standardised = bundle.acoustic(torch.from_numpy(analysis.frames)[None, :, None])[0]
        mel = bundle.scaler.to_db(standardised)
        audio = bundle.vocoder(vocoder_input(mel, "ln_power").T[None])[0, 0]
    np.testing.assert_allclose(analysis.mel_db, mel, atol=0.01)
    np.testing.assert_allclose(analysis.audio, audio, atol=1e-4)
    centres = librosa.mel_frequencies(66, fmin=0, fmax=11413 / 2)[1:-1]
    inside = (centres >= 300) & (centres <= 900)
    band_db = 10 * np.log10((10 ** (analysis.mel_db[:, inside] / 10)).sum(axis=1))
    np.testing.assert_allclose(analysis.band_db["F1"], band_db, atol=0.01)


def test_numbers_do_not_depend_on_what_the_processor_offers(bundle, clip, monkeypatch):
    """bf16 is for those who ask: by its name, or by auto."""
    monkeypatch.setattr("rtmri2speech.models.precision.bf16_is_fast", lambda device: True)
    choices = ({}, {"precision": "auto"}, {"precision": "bf16"})
    taken = [analyse(bundle, clip, bands=(), speak=False, **choice).settings.precision for choice in choices]
    assert taken == ["fp32", "bf16", "bf16"]


def test_heatmaps_and_frames(analysis):
    heat = analysis.heatmap("F2")
    assert heat.shape == analysis.frames.shape == (len(analysis.mel_db), 256, 256)
    assert heat.dtype == np.float32 and heat.min() >= 0 and heat.max() <= 1
    # cell centres keep the signed grid's positive part on the scale of the clip's speech
    cam = analysis.cam["F2"]
    assert cam.shape[1:] == (8, 8)
    expected = np.clip(cam / clip_scale(cam, analysis.speech), 0, 1)
    assert np.abs(heat[:, 15:17, 15:17].mean(axis=(1, 2)) - expected[:, 0, 0]).max() < 0.1
    np.testing.assert_array_equal(analysis.frames, prepare_frames(analysis.model_frames, 256))


def test_no_heat_where_the_model_is_silent(analysis):
    silent = np.zeros(len(analysis.mel_db), bool)
    silent[:5] = True
    cam = analysis.cam["F1"].copy()
    cam[:5] *= 1000
    hidden = replace(analysis, silent=silent, cam={"F1": cam})
    shown = replace(hidden, settings=replace(hidden.settings, silence="show"))
    assert hidden.speech.tolist() == shown.speech.tolist() == list(range(5, len(cam)))
    assert hidden.heatmap("F1")[:5].max() == 0 < shown.heatmap("F1")[:5].max()
    np.testing.assert_array_equal(hidden.heatmap("F1")[5:], shown.heatmap("F1")[5:])
    scale = clip_scale(cam[5:])  # silence has no say in it
    assert scale < 0.1 * clip_scale(cam)
    np.testing.assert_allclose(display_grid(cam, "clip", hidden.speech)[5:], np.clip(cam[5:] / scale, 0, 1))
    assert (hidden.cam["F1"] == cam).all()  # cam stays raw
    by_frame = replace(hidden, settings=replace(hidden.settings, normalize="frame")).heatmap("F1")
    assert by_frame[:5].max() == 0 and by_frame[5:].max(axis=(1, 2)).min() > 0.9
    whole = replace(hidden, silent=np.ones(len(cam), bool))
    assert whole.heatmap("F1").max() == 0


def test_results_map_back_to_the_clips_own_frames(analysis):
    index = analysis.of_clip_frame
    assert len(index) == 40 and index[0] == 0 and index[-1] == len(analysis.mel_db) - 1
    own = (np.arange(40) + 0.5) / 23.18
    assert np.abs((index + 0.5) / analysis.fps - own).max() <= 0.5 / analysis.fps + 1e-9


def test_long_mels_are_vocoded_in_pieces_without_seams(bundle):
    rng = np.random.default_rng(0)
    mel = torch.from_numpy(rng.normal(-40, 10, (950, 64)).astype(np.float32))
    with torch.no_grad():
        whole = bundle.vocoder(vocoder_input(mel, "ln_power").T[None])[0, 0].numpy()
    np.testing.assert_allclose(vocode(bundle, mel, "fp32"), whole, atol=1e-5)


def test_choices_are_validated(bundle, clip):
    for wrong in (
        {"objective": "mean"},
        {"energy": "watt"},
        {"normalize": "none"},
        {"silence": "loud"},
        {"precision": "fp8"},
        {"bands": [Band("A", 300, 900), Band("A", 900, 2000)]},
        {"bands": [Band("A", 300, 9000)]},
    ):
        with pytest.raises(InputError):
            analyse(bundle, clip, **wrong)


def test_progress_can_stop_the_work(bundle, clip):
    shares = []

    def stop(stage, done, total):
        shares.append(done / total)
        if shares[-1] > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        analyse(bundle, clip, progress=Progress(stop))
    assert shares == sorted(shares) and shares[-1] < 0.7


def test_real_clip_end_to_end(bundle, shared):
    clip = read_clip(shared / "rtmri" / "s2_study6_3.avi")
    short = Clip(clip.frames[:60], clip.times_s[:61])
    result = analyse(bundle, short)
    assert len(result.mel_db) == round(60 / 22.41 * 11413 / 420)
    assert np.isfinite(result.audio).all() and np.isfinite(result.cam["F1"]).all()
