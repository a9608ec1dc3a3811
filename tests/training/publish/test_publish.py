import json

import numpy as np
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from rtmri2speech.files import write_json
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.ddsp import DdspConfig, SourceFilter
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler
from rtmri2speech.speech.voice import Voice
from training.engine.run_folder import SETTINGS
from training.publish.__main__ import publish
from training.vocoder.checkpoints import save_checkpoint

SMALL = GeneratorConfig(initial_channel=16, resblock="2", resblock_kernel_sizes=(3,), resblock_dilation_sizes=((1, 3),))
EVALUATION = {
    "bundle": "x",
    "clips": {"a.mp4": {}, "b.mp4": {}},
    "mean": {
        "synthesis": {"stoi": 0.8123, "mcd_db": 4.2, "pesq_nb": None},
        "copy_synthesis": {"stoi": 0.951, "mcd_db": 0.9, "pesq_nb": None},
        "mean_mel": {"stoi": 0.214, "mcd_db": 9.1, "pesq_nb": None},
    },
}


@pytest.fixture
def runs(tmp_path):
    """A run folder of each kind, as the training leaves them."""
    torch.manual_seed(0)
    acoustic, vocoder = tmp_path / "acoustic", tmp_path / "vocoder"
    acoustic.mkdir()
    model = AcousticModel(AcousticConfig("test_resnet", rnn_hidden=16))
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state | {"loss.extra": torch.zeros(1)}}, acoustic / "best.ckpt")
    Scaler(np.linspace(-50, -20, 64), np.full(64, 12.0)).write(acoustic / "scaler.json")
    settings = {
        "mel": MelSpec().to_json(),
        "model": model.config.to_json(),
        "data_dir": str(tmp_path / "somewhere" / "dataset"),
        "data": {
            "image_size": 128,
            "window": 32,
            "augment": 1.0,
            "split": {"by": "utterance", "seed": 42, "val_speakers": ["s06"], "test_speakers": []},
        },
    }
    (acoustic / "settings.json").write_text(json.dumps(settings))
    (acoustic / "split.json").write_text(json.dumps({"train": ["a", "b"], "val": ["c"], "test": []}))
    (acoustic / "history.csv").write_text(
        "epoch,step,val/loss,band/val_F1\n0,10,3.0,6.0\n1,20,1.5,4.25\n2,30,2.0,5.0\n"
    )
    settings = {"generator": SMALL.to_json(), "mel": MelSpec().to_json(), "vocoder_input": "ln_power"}
    write_json(vocoder / SETTINGS, settings)
    save_checkpoint(vocoder, {"step": 7, "generator": Generator(SMALL).state_dict()}, keep=1)
    return acoustic, vocoder, model


def run(*arguments):
    app = Typer()
    app.command()(publish)
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_bundle_is_the_best_epoch_and_the_card_tells_how_good_it_is(runs, tmp_path):
    acoustic, vocoder, model = runs
    metrics, data, out = tmp_path / "held_out_phrases.json", tmp_path / "data.txt", tmp_path / "demo"
    metrics.write_text(json.dumps(EVALUATION))
    data.write_text("Twelve 作り物 speakers.", encoding="utf-8")
    done = run("--acoustic", acoustic, "--vocoder", vocoder, "--out", out, "--metrics", metrics, "--data", data)
    assert done.exit_code == 0, done.output
    bundle = load_bundle(out)
    for name, tensor in bundle.acoustic.state_dict().items():
        torch.testing.assert_close(tensor, model.state_dict()[name], atol=1e-3, rtol=1e-3)
    assert (bundle.kind, bundle.frames.size, bundle.vocoder.input) == ("trained", 128, "ln_power")
    np.testing.assert_allclose(bundle.scaler.mean, np.linspace(-50, -20, 64), rtol=1e-6)
    assert bundle.training["split"]["val"] == ["c"] and bundle.training["acoustic"]["data_dir"] == "dataset"

    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| STOI | 0.214 | 0.812 | 0.951 |" in card and "held out phrases (2 clips)" in card
    assert "PESQ" not in card
    assert "2 train, 1 val, 0 test (by utterance, seed 42; all of the speakers s06 in val)" in card
    assert "Twelve 作り物 speakers." in card and "epoch (1, step 20)" in card and "4.25" in card
    assert str(tmp_path) not in card + (out / "bundle.json").read_text(encoding="utf-8")


def test_a_source_filter_vocoder_is_published_and_the_card_says_what_trained_it(runs, tmp_path):
    acoustic, vocoder, _ = runs
    made = SourceFilter(DdspConfig(channels=8, fine_channels=8)).begin()
    settings = {"kind": "ddsp", "vocoder": made.to_json(), "sources": {"english": {"folder": "/somewhere/pm_en"}}}
    write_json(vocoder / SETTINGS, settings)
    save_checkpoint(vocoder, {"step": 8, "generator": made.state_dict()}, keep=1)
    assert run("--acoustic", acoustic, "--vocoder", vocoder, "--out", tmp_path / "b").exit_code == 0
    bundle = load_bundle(tmp_path / "b")
    assert bundle.vocoder.takes_f0 and bundle.vocoder.config == made.config
    torch.testing.assert_close(bundle.vocoder.noise, made.noise, atol=2e-3, rtol=1e-3)
    card = (tmp_path / "b" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "source-filter (DDSP), 7 filters a frame" in card and "trained on english (pm_en)" in card
    again = run("--acoustic", acoustic, "--vocoder", tmp_path / "b", "--out", tmp_path / "c", "--light")
    assert again.exit_code == 0 and load_bundle(tmp_path / "c").vocoder.config == made.config


def test_the_card_says_that_targets_were_restored(runs, tmp_path):
    acoustic, vocoder, _ = runs
    for restored, name in (([], "plain"), (["a", "c"], "restored")):
        settings = json.loads((acoustic / "settings.json").read_text(encoding="utf-8")) | {"restored": restored}
        (acoustic / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        assert run("--acoustic", acoustic, "--vocoder", vocoder, "--out", tmp_path / name).exit_code == 0
    assert "restored" not in (tmp_path / "plain" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Of 2 of them the sound was restored" in (tmp_path / "restored" / "MODEL_CARD.md").read_text(
        encoding="utf-8"
    )


def test_larger_pictures_averaged_down_give_the_same_speech(runs, tmp_path):
    acoustic, vocoder, _ = runs
    for pool in (1, 2):
        out = tmp_path / str(pool)
        assert run("--acoustic", acoustic, "--vocoder", vocoder, "--out", out, "--pool", pool).exit_code == 0
    plain, pooled = load_bundle(tmp_path / "1"), load_bundle(tmp_path / "2")
    assert (plain.frames.size, pooled.frames.size) == (128, 256)
    small = torch.rand(1, 3, 1, 128, 128)
    large = small.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
    with torch.no_grad():
        torch.testing.assert_close(pooled.acoustic(large), plain.acoustic(small))


def test_what_cannot_be_published_is_told_and_leaves_nothing(runs, tmp_path):
    acoustic, vocoder, _ = runs
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    out = tmp_path / "out"
    for arguments in (
        ("--acoustic", tmp_path, "--vocoder", vocoder),
        ("--acoustic", acoustic, "--vocoder", tmp_path),
        ("--acoustic", acoustic, "--vocoder", vocoder, "--metrics", bad),
        ("--acoustic", acoustic, "--vocoder", vocoder, "--limits", tmp_path / "none.txt"),
    ):
        done = run(*arguments, "--out", out)
        assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 1, done.output
        assert not out.exists()


def test_a_light_bundle_shares_its_neighbours_vocoder_and_speaks_as_told(runs, tmp_path):
    acoustic, vocoder, model = runs
    assert run("--acoustic", acoustic, "--vocoder", vocoder, "--out", tmp_path / "whole").exit_code == 0
    light = ["--acoustic", acoustic, "--out", tmp_path / "light", "--light"]
    assert run(*light, "--vocoder", vocoder).exit_code == 2  # a run holds no file to share
    assert run(*light, "--vocoder", tmp_path / "whole", "--unasked", "flat").exit_code == 2  # the run has no voice
    assert not (tmp_path / "light").exists()
    write_json(acoustic / "voice.json", {"weight": np.zeros((2, 16)).tolist(), "bias": [1.0, 7.0]})
    assert run(*light, "--vocoder", tmp_path / "whole", "--unasked", "flat").exit_code == 0
    bundle, whole = load_bundle(tmp_path / "light"), load_bundle(tmp_path / "whole")
    assert bundle.voice.default_voice() == Voice(intonation="flat")
    assert bundle.sha256["vocoder.safetensors"] == whole.sha256["vocoder.safetensors"]
    assert not (tmp_path / "light" / "vocoder.safetensors").exists()


def test_a_bundle_is_there_with_its_card_or_not_at_all(runs, tmp_path, monkeypatch):
    acoustic, vocoder, _ = runs

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("training.publish.__main__.model_card", stopped)
    assert run("--acoustic", acoustic, "--vocoder", vocoder, "--out", tmp_path / "out").exit_code == 130
    assert not (tmp_path / "out").exists()
