"""Training with a phantom's known articulation and regions, with blocks kept as they were, and along a cosine."""

import json
from dataclasses import replace

import lightning
import numpy as np
import pytest
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler
from training.acoustic.config import AcousticRun, OptimizerConfig
from training.acoustic.dataset import split_corpus
from training.acoustic.learner import AcousticLearner, cnn_blocks
from training.acoustic.run import model_tensors
from training.acoustic.train import train
from training.engine.config import build
from training.preprocess.dataset import Corpus
from training.preprocess.phantom_truth import REGIONS
from training.preprocess.recordings import held_out_names

SIDE, COUNT = 32, 24


@pytest.fixture
def dataset(tmp_path):
    """Six recordings of a bar whose height is known as the articulation; the mel is noise that says nothing."""
    folder, rng = tmp_path / "dataset", np.random.default_rng(0)
    utterances, mels = {}, []
    for k in range(6):
        id_ = f"s00_{k:04d}"
        height = rng.integers(2, 26, COUNT)
        mri = np.zeros((COUNT, SIDE, SIDE), np.uint8)
        for t, h in enumerate(height):
            mri[t, h : h + 5] = 255
        sample = folder / "samples" / id_
        sample.mkdir(parents=True)
        mels.append(rng.normal(-50, 5, (COUNT, 64)).astype(np.float32))
        np.save(sample / "mri.npy", mri)
        np.save(sample / "mel_db.npy", mels[-1])
        np.save(sample / "mask.npy", np.ones(COUNT, bool))
        regions = np.zeros((COUNT, 16, 16), np.uint8)
        regions[:, :, :8] = REGIONS.index("tongue")  # the bar shows on both sides: the left one is enough
        np.save(sample / "regions.npy", regions)
        np.save(sample / "articulation.npy", np.stack([height, -height], 1).astype(np.float32))
        utterances[id_] = {"frames": COUNT, "speaker": "s00", "text": None}
    Scaler.fit(mels).write(folder / "scaler.json")
    (folder / "meta.json").write_text(json.dumps({"mel": MelSpec().to_json(), "utterances": utterances}))
    return folder


def settings(dataset, run_dir, optimizer=None, articulation=1.0, focus=0.0, **loop):
    return build(
        AcousticRun,
        {
            "data_dir": str(dataset),
            "run_dir": str(run_dir),
            "data": {"workers": 0, "image_size": SIDE, "window": 8, "stride": None, "split": {"shares": [0.7, 0.3, 0]}},
            "model": {"cnn": "test_resnet", "rnn_hidden": 16, "dropout": 0.0},
            "loss": {"ramp_steps": 0, "articulation": articulation, "focus": focus},
            "optimizer": optimizer or {"lr": 3e-3},
            "training": {"batch": 4, "micro_batch": 4, "accelerator": "cpu", **loop},
        },
    )


def history(run_dir, column):
    lines = (run_dir / "history.csv").read_text().splitlines()
    return [float(line.split(",")[lines[0].split(",").index(column)]) for line in lines[1:]]


def test_the_cnn_learns_the_articulation_from_the_pictures(dataset, tmp_path):
    train(settings(dataset, tmp_path / "run", max_epochs=12))
    errors = history(tmp_path / "run", "train/articulation")
    assert errors[0] > 0.5 and errors[-1] < 0.5 * errors[0]  # of a variance of 1


def test_recordings_without_truth_cannot_be_asked_for_it(dataset, tmp_path):
    (dataset / "samples" / "s00_0002" / "articulation.npy").unlink()
    (dataset / "samples" / "s00_0003" / "articulation.npy").unlink()
    (dataset / "samples" / "s00_0001" / "articulation.npy").unlink()
    with pytest.raises(InputError, match="loss.articulation=0"):
        train(settings(dataset, tmp_path / "run", max_epochs=1))
    train(settings(dataset, tmp_path / "plain", articulation=0.0, max_epochs=1, batches_per_epoch=1))


def test_focus_keeps_the_maps_to_the_tract(dataset, tmp_path):
    run = settings(dataset, tmp_path / "run", articulation=0.0, focus=2.0, max_epochs=12)
    train(replace(run, data=replace(run.data, image_size=2 * SIDE)))  # a map of 2x2 cells
    outside = history(tmp_path / "run", "train/outside_tract")
    assert outside[0] > 0.3 and outside[-1] < 0.5 * outside[0]
    (dataset / "samples" / "s00_0002" / "regions.npy").unlink()
    (dataset / "samples" / "s00_0003" / "regions.npy").unlink()
    (dataset / "samples" / "s00_0001" / "regions.npy").unlink()
    with pytest.raises(InputError, match="loss.focus=0"):
        train(settings(dataset, tmp_path / "other", focus=1.0, max_epochs=1))


def test_frozen_blocks_keep_weights_and_statistics(dataset, tmp_path):
    corpus, run = Corpus.read(dataset), settings(dataset, tmp_path / "run", max_epochs=1, frozen_blocks=5)
    train(run)
    lightning.seed_everything(run.seed, workers=True, verbose=False)  # the same initial weights once more
    learner = AcousticLearner(run, corpus.mel, corpus.scaler, split_corpus(corpus, run.data)[0])
    frozen = {id(t) for block in learner.frozen for t in block.state_dict(keep_vars=True).values()}
    after, kept = model_tensors(tmp_path / "run" / "last.ckpt"), {True: [], False: []}
    for name, before in learner.model.state_dict(keep_vars=True).items():
        if before.dim():  # not the counters of batches
            kept[id(before) in frozen].append(torch.equal(before, after[name]))
    assert all(kept[True]) and any("running_mean" in n for n in learner.frozen[1].state_dict())
    assert not any(kept[False])


def test_blocks_are_in_the_order_the_picture_passes():
    model = AcousticModel(AcousticConfig("mobilenetv4_conv_small"))
    blocks = cnn_blocks(model)
    x = torch.rand(1, 1, 64, 64)
    model.eval()
    with torch.no_grad():
        y = x
        for block in blocks:
            y = block(y)
        torch.testing.assert_close(y, model.feature_maps(x))


def test_training_ends_with_the_cosine(dataset, tmp_path):
    optimizer = {"lr": 1e-3, "schedule": "cosine", "warmup_steps": 2, "total_steps": 5}
    train(settings(dataset, tmp_path / "run", optimizer, max_epochs=50))
    last = (tmp_path / "run" / "history.csv").read_text().splitlines()[-1]
    assert last.split(",")[1] == "5"
    with pytest.raises(InputError, match="total_steps"):
        OptimizerConfig(schedule="cosine")


def test_the_vocoder_can_hold_out_what_the_acoustic_model_does(dataset, tmp_path):
    train(settings(dataset, tmp_path / "run", max_epochs=1, batches_per_epoch=1))
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    names = [f"s00_{k:04d}" for k in range(6)]
    held_out = held_out_names(names, str(tmp_path / "run" / "held_out.txt"))
    assert held_out == set(split["val"] + split["test"]) and held_out
