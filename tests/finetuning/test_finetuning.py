"""A bundle tuned to recordings: exact at step 0, better on what is held out or as it was, and the same each time."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.cli import main
from rtmri2speech.clips.clip import Clip
from rtmri2speech.errors import InputError
from rtmri2speech.finetuning import FinetuneSettings, finetune, prepare, split, tuning
from rtmri2speech.finetuning.card import card_of
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import write_audio
from rtmri2speech.speech.mel import Scaler
from rtmri2speech.speech.voice import VoicingProbe
from tests.conftest import lively_bundle, moving_frames, write_mp4

FPS = 11413 / 420
QUICK = FinetuneSettings(steps=30, batch=4, window=40, lr=3e-3, judge_every=5)


def speaking(seed: int, count: int = 60) -> Clip:
    """A clip whose sound follows its pictures: a buzz as loud and as bright as the frames are."""
    frames = moving_frames(count, 64, 64, seed=seed)
    brightness = frames.reshape(count, -1).astype(float).std(axis=1)
    level = np.interp(np.arange(count * 420) / 420, np.arange(count), brightness / brightness.max())
    buzz = np.sign(np.sin(2 * np.pi * 120 * np.arange(count * 420) / 11413)) * level
    hiss = np.random.default_rng(seed).standard_normal(count * 420) * (1 - level)
    sound = (0.2 * buzz + 0.05 * hiss).astype(np.float32)
    return Clip(frames, np.arange(count + 1) / FPS, sound, 11413, source=f"{seed}.mp4")


@pytest.fixture(scope="module")
def bundle():
    made = lively_bundle(moving_frames(30, 64, 64))
    return replace(made, voice=VoicingProbe(np.zeros((2, 32)), np.array([1.0, 7.0]), "whisper"))


@pytest.fixture(scope="module")
def recordings(bundle):
    return [prepare(bundle, speaking(seed), str(seed)) for seed in range(5)]


def test_another_scaler_changes_no_mel(bundle):
    rng = np.random.default_rng(0)
    scaler = Scaler(rng.uniform(-70, -30, 64), rng.uniform(4, 20, 64))
    features = torch.randn(1, 20, bundle.acoustic.channels)
    with torch.no_grad():
        before = bundle.scaler.to_db(bundle.acoustic.mel_from_features(features)[0])
        again = scaler.to_db(tuning.in_scaler(bundle.acoustic, bundle.scaler, scaler).mel_from_features(features)[0])
    torch.testing.assert_close(again, before, rtol=0, atol=2e-4)


def test_it_learns_what_the_recordings_say_and_leaves_the_given_bundle_alone(bundle, recordings, monkeypatch):
    monkeypatch.setattr(tuning, "_figures", lambda *_: {name: 0.5 for name in tuning.FIGURES})
    before = {name: tensor.clone() for name, tensor in bundle.acoustic.state_dict().items()}
    learnt, held_out = split(recordings)
    assert [one.name for one in held_out] == ["4"]
    made, again = (finetune(bundle, learnt, held_out, QUICK) for _ in range(2))
    errors = dict(made.errors)
    assert made.better and errors[made.best_step] < 0.8 * errors[0]
    for name, tensor in bundle.acoustic.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert torch.equal(made.bundle.acoustic.state_dict()[name], again.bundle.acoustic.state_dict()[name])
        assert name.startswith("cnn.") == torch.equal(tensor, made.bundle.acoustic.state_dict()[name]) or "num" in name
    assert made.bundle.voice.default == "whisper" and np.abs(made.bundle.voice.weight[0]).max() > 0
    assert made.bundle.training["finetuned"]["learnt_from"]["recordings"] == 4
    assert not any(one.name in json.dumps(made.to_json()["held_out"]) for one in recordings if len(one.name) > 3)
    assert "4 recordings with sound" in card_of(made, bundle)


def test_the_cnn_learns_too_where_asked_and_keeps_its_statistics(bundle, recordings, monkeypatch):
    monkeypatch.setattr(tuning, "_figures", lambda *_: {name: 0.5 for name in tuning.FIGURES})
    settings = replace(QUICK, steps=10, cnn_steps=10, cnn_batch=2, cnn_window=16, cnn_lr=1e-3)
    before = {name: tensor.clone() for name, tensor in bundle.acoustic.state_dict().items()}
    made = finetune(bundle, *split(recordings), settings)
    errors = dict(made.errors)
    assert made.best_step > 10 and errors[made.best_step] < min(e for step, e in errors.items() if step <= 10)
    assert list(errors) == sorted(errors)
    after = made.bundle.acoustic.state_dict()
    weights = [name for name in before if name.startswith("cnn.") and name.endswith("weight")]
    assert sum(not torch.equal(after[name], before[name]) for name in weights) > len(weights) / 2
    for name, tensor in bundle.acoustic.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert "running" not in name or torch.equal(after[name], tensor)
    # what is kept is what was judged: the analysis of a clip held out has that error
    (held_out,) = split(recordings)[1]
    level = tuning.of_one_level(recordings)[-1].target_db
    mel_db = analyse(made.bundle, held_out.analysis.clip, [], speak=False).mel_db
    error = np.mean(((mel_db - level) / made.bundle.scaler.std) ** 2)
    assert error == pytest.approx(errors[made.best_step], rel=0.02)
    assert "CNN, temporal model" in card_of(made, bundle)


@pytest.mark.parametrize(("after", "better"), [(0.31, True), (0.29, False)])
def test_what_is_less_intelligible_is_not_kept(bundle, recordings, monkeypatch, after, better):
    figures = iter((0.30, after))
    monkeypatch.setattr(tuning, "_figures", lambda *_: dict.fromkeys(tuning.FIGURES, next(figures)))
    made = finetune(bundle, *split(recordings), QUICK)
    assert made.best_step and made.better == better and (made.bundle is bundle) == (not better)


def test_whole_speakers_are_held_out_where_they_are_known(recordings):
    spoken = [replace(one, speaker="ab"[number % 2]) for number, one in enumerate(recordings)]
    learnt, held_out = split(spoken)
    assert {one.speaker for one in learnt} == {"a"} and {one.speaker for one in held_out} == {"b"}
    assert [one.name for one in split(recordings, ["1", "2"])[1]] == ["1", "2"]
    with pytest.raises(InputError, match="two recordings or more"):
        split(recordings[:1])


def test_recordings_that_cannot_be_learned_from_are_refused(bundle, monkeypatch):
    clip = speaking(0)
    with pytest.raises(InputError, match="no sound to learn from"):
        prepare(bundle, replace(clip, audio=None, audio_rate=None), "a")
    with pytest.raises(InputError, match="silent"):
        prepare(bundle, replace(clip, audio=np.zeros_like(clip.audio)), "a")
    with pytest.raises(InputError, match="1 s or more"):
        prepare(bundle, speaking(0, 20), "a")
    late = type("Fit", (), {"lag_s": 0.2})
    monkeypatch.setattr("rtmri2speech.finetuning.recordings.fit_of", lambda *_: late)
    with pytest.raises(InputError, match=r"\+200 ms later than the pictures"):
        prepare(bundle, clip, "a")


@pytest.mark.slow
def test_the_command_writes_a_bundle_with_its_card_or_nothing(bundle, tmp_path, capsys, monkeypatch):
    bundle.save(tmp_path / "start")
    for seed in range(3):
        clip = speaking(seed)
        write_mp4(tmp_path / f"{seed}.mp4", clip.frames, Fraction(11413, 420))
        write_audio(tmp_path / f"{seed}.wav", clip.audio, 11413)
    clips = [str(tmp_path / f"{seed}.mp4") for seed in range(3)]
    monkeypatch.setattr(tuning, "_figures", lambda *_: dict.fromkeys(tuning.FIGURES, 0.5))
    arguments = ["finetune", *clips, "--bundle", str(tmp_path / "start"), "--steps", "40", "-o", str(tmp_path / "new")]
    code = main([*arguments, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0 and report["better"] and report["from"] == "fixture"
    made = load_bundle(tmp_path / "new")
    assert made.training["finetuned"]["best_step"] == report["best_step"]
    assert "## Measured" in (tmp_path / "new" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert main([*arguments[:-1], str(tmp_path / "none"), "--steps", "0"]) == 2
    assert main(["finetune", clips[0], "-o", str(tmp_path / "none"), "--bundle", str(tmp_path / "start")]) == 2
    assert not (tmp_path / "none").exists()
