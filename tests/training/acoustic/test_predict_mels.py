"""Predicted mels as .npy: the model's own forward pass, frame by frame, in dB."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler
from training.acoustic.predict_mels import export_predicted, export_true, main
from training.preprocess.dataset import Corpus

CONFIG = AcousticConfig(cnn="resnet10t", rnn_hidden=8)


@pytest.fixture
def dataset(tmp_path):
    """A dataset of one recording of 40 frames."""
    folder, rng = tmp_path / "dataset", np.random.default_rng(0)
    sample = folder / "samples" / "one"
    sample.mkdir(parents=True)
    np.save(sample / "mri.npy", rng.integers(0, 256, (40, 64, 64), dtype=np.uint8))
    np.save(sample / "mel_db.npy", rng.normal(size=(40, 64)).astype(np.float32))
    np.save(sample / "mask.npy", np.ones(40, bool))
    Scaler(np.zeros(64), np.ones(64)).write(folder / "scaler.json")
    utterances = {"one": {"frames": 40, "speaker": None, "text": None}}
    meta = {"mel": MelSpec().to_json(), "utterances": utterances}
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    return folder


@pytest.fixture
def acoustic(tmp_path):
    """An acoustic run folder with random weights, and its model."""
    torch.manual_seed(0)
    run, model = tmp_path / "acoustic", AcousticModel(CONFIG).eval()
    run.mkdir()
    settings = {"model": asdict(CONFIG), "data": {"image_size": 64}}
    (run / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.save({"state_dict": {f"model.{k}": v for k, v in model.state_dict().items()}}, run / "best.ckpt")
    Scaler(np.linspace(-60, -20, 64), np.full(64, 12.0)).write(run / "scaler.json")
    return run, model


def test_the_predicted_mel_is_the_models_in_db(dataset, acoustic, tmp_path):
    run, model = acoustic
    corpus = Corpus.read(dataset)
    assert [u.id for u in export_predicted(corpus, run, tmp_path / "mels")] == ["one"]
    frames = prepare_frames(np.load(dataset / "samples" / "one" / "mri.npy"), 64)
    with torch.no_grad():
        standardised = model(torch.from_numpy(frames)[None, :, None])[0].numpy()
    expected = standardised * 12 + np.linspace(-60, -20, 64)
    np.testing.assert_allclose(np.load(tmp_path / "mels" / "one.npy"), expected, atol=1e-3)


def test_the_true_mel_is_the_datasets(dataset, tmp_path):
    list(export_true(Corpus.read(dataset), tmp_path / "mels"))
    true = np.load(dataset / "samples" / "one" / "mel_db.npy")
    assert np.array_equal(np.load(tmp_path / "mels" / "one.npy"), true)


def test_what_is_no_acoustic_run_is_refused(dataset, tmp_path, capsys):
    with pytest.raises(InputError, match="not a run of training.acoustic"):
        list(export_predicted(Corpus.read(dataset), tmp_path, tmp_path / "mels"))
    with pytest.raises(SystemExit) as stop:
        main(tmp_path / "nothing", tmp_path / "mels")
    assert stop.value.code == 2 and len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "mels").exists()
