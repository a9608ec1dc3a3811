"""The house bends: a method, a temporal model and a vocoder of another kind are one file and one line each."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.attribution import methods
from rtmri2speech.attribution.grad_cam import gradients
from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.attribution.temporal import contributions
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.evaluation.faithfulness import evaluate_faithfulness
from rtmri2speech.models import temporal_model, vocoder
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.voice import Voice, VoicingProbe
from rtmri2speech.ui.controls import maps_words
from rtmri2speech.ui.session import method_of_maps
from tests.conftest import lively_bundle, make_bundle, moving_frames, write_mp4
from tests.extension.sine_vocoder import SineVocoder

FPS = 27.1738


@pytest.fixture
def sliding_patch(monkeypatch):
    monkeypatch.setitem(methods.METHODS, "sliding-patch", "tests.extension.sliding_patch:SLIDING_PATCH")


@pytest.fixture
def clip():
    frames = moving_frames(24)
    return Clip(frames, np.arange(len(frames) + 1) / FPS)


def test_a_third_method_is_offered_by_commands_and_page_and_named_in_captions_and_provenance(
    sliding_patch, tmp_path, bundle_folder, bundle, capsys
):
    write_mp4(tmp_path / "clip.mp4", moving_frames(12), 12)
    arguments = ["export", str(tmp_path / "clip.mp4"), "--bundle", str(bundle_folder), "--method", "sliding-patch"]
    arguments += ["--silence", "show", "--regions", "template", "-o", str(tmp_path / "clip.zip")]
    assert main(arguments) == 0, capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "clip.zip") as made:
        provenance = json.loads(made.read("provenance.json"))
        captions = made.read("clip_captions.txt").decode()
        cam = np.load(io.BytesIO(made.read("clip_F1_cam.npy")))
    assert provenance["analysis"]["method"] == "sliding-patch" and provenance["analysis"]["baseline"] == "blur"
    assert "--method sliding-patch --resolution 4" in provenance["command"]
    assert "occlusion with a sliding patch against a blurred copy of the frame" in captions
    assert "Grad-CAM" not in captions and cam.shape[1:] == (4, 4) and np.abs(cam).max() > 0
    assert maps_words()["sliding-patch"]["ja"] == "スライディングパッチによる遮蔽 (4 × 4)"
    assert method_of_maps(bundle, "sliding-patch") == ("sliding-patch", None)
    assert main([*arguments[:4], "--method", "lime", "-o", str(tmp_path / "no.zip")]) == 2
    assert "choose of grad-cam, hirescam, layer-ig, sliding-patch" in capsys.readouterr().err


@pytest.mark.slow
def test_its_maps_are_judged_as_others_are(sliding_patch, clip, monkeypatch):
    bundle = lively_bundle(clip.frames)
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    made = analyse(bundle, clip, method="sliding-patch", speak=False)
    report = evaluate_faithfulness(bundle, made, most_frames=6)
    assert report.resolution == 4 and set(report.bands["F2"].random_weights) == {"output layer", "BiLSTM", "CNN"}


@pytest.fixture
def transformer(monkeypatch):
    monkeypatch.setitem(temporal_model.TEMPORAL_MODELS, "transformer", "tests.extension.transformer:Transformer")


def test_a_transformer_is_loaded_analysed_and_judged_through_the_fallback(transformer, tmp_path, clip, monkeypatch):
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    plain = make_bundle()
    torch.manual_seed(1)
    acoustic = AcousticModel(AcousticConfig(cnn="lcnet_050", rnn_hidden=32, temporal="transformer"))
    acoustic.cnn.load_state_dict(plain.acoustic.cnn.state_dict())
    replace(plain, acoustic=acoustic).save(tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.acoustic.config.temporal == "transformer"
    made = analyse(bundle, clip, speak=False, method="layer-ig", resolution=8)
    assert np.isfinite(made.cam["F2"]).all() and np.abs(made.cam["F2"]).max() > 0
    assert evaluate_faithfulness(bundle, made, most_frames=6).bands["F2"].verdict != "untested"


def test_the_fallback_finds_what_plain_autograd_does_and_what_the_bilstms_exact_forms_do(bundle):
    model = bundle.acoustic
    features = torch.randn(20, model.channels, generator=torch.Generator().manual_seed(0))
    target = band_energy(np.arange(10, 20))
    exact = (
        gradients(model, bundle.scaler, features, {"E": target})["E"],
        contributions(model, bundle.scaler, features, target),
    )
    fallback = temporal_model.TemporalModel
    rows = torch.arange(len(features))
    local = fallback.frame_local_states(model.rnn, features, rows)
    g = features.clone().requires_grad_(True)
    target(bundle.scaler.to_db(model.mel_from_states(local(g)))).sum().backward()
    torch.testing.assert_close(g.grad, exact[0], rtol=1e-4, atol=1e-6)
    states = model.states_from_features(features[None])[0].detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(target(bundle.scaler.to_db(model.mel_from_states(states))).sum(), states)
    found = fallback.contributions(model.rnn, features, slope)
    np.testing.assert_allclose(found.numpy(), exact[1], rtol=1e-3, atol=1e-6)


def test_a_vocoder_of_another_kind_is_loaded_by_its_kind_and_given_f0(monkeypatch, tmp_path, clip):
    monkeypatch.setitem(vocoder.VOCODERS, "sine", "tests.extension.sine_vocoder:SineVocoder")
    monkeypatch.setattr("rtmri2speech.analysis.pipeline.pauses", lambda mel, *_: np.zeros(len(mel), bool))
    bundle = make_bundle()
    readout = VoicingProbe(np.zeros((2, 32)), [1.0, 7.0])
    replace(bundle, vocoder=SineVocoder(64, 420, 11413), voice=readout).save(tmp_path / "bundle")
    assert json.loads((tmp_path / "bundle" / "bundle.json").read_text())["vocoder"]["kind"] == "sine"
    loaded = load_bundle(tmp_path / "bundle")
    spoken = analyse(loaded, clip, [], voice=Voice(pitch_hz=200, intonation="flat")).audio
    spectrum = np.abs(np.fft.rfft(spoken * np.hanning(len(spoken))))
    assert spectrum.argmax() * 11413 / len(spoken) == pytest.approx(200, abs=3)
    assert not np.any(analyse(loaded, clip, [], voice=Voice(whisper=True)).audio)
    monkeypatch.delitem(vocoder.VOCODERS, "sine")
    with pytest.raises(InputError, match="no vocoder of kind 'sine'"):
        load_bundle(tmp_path / "bundle")
