import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.errors import InputError
from rtmri2speech.models.acoustic import AcousticConfig, AcousticModel
from rtmri2speech.models.precision import choose_precision
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler
from tests.conftest import make_bundle
from tests.training.never_lost import never_lost
from training.acoustic.config import AcousticRun
from training.acoustic.dataset import (
    DataConfig,
    SeededSampler,
    WindowDataset,
    collate,
    split_corpus,
    target_mel,
    windows_of,
)
from training.acoustic.learner import predict
from training.acoustic.run import model_tensors, start_tensors
from training.acoustic.split import SplitConfig
from training.acoustic.train import lightning_precision, train
from training.engine.config import CONFIGS, build, read_arguments, read_yaml
from training.preprocess.dataset import Corpus

ROOT = Path(__file__).resolve().parents[3]
SIDE, COUNT = 32, 20


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Three speakers of four recordings: the height of a bright bar decides the mel, the speaker a still corner."""
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(0)
    utterances, mels = {}, []
    for k in range(12):
        id_, count = f"s{k // 4:02d}_{k:04d}", COUNT + k
        height = 10 + 8 * np.sin(np.cumsum(rng.normal(0, 0.5, count)))
        mri = np.zeros((count, SIDE, SIDE), np.uint8)
        mri[:, :4, : 4 + 4 * (k // 4)] = 200
        for t, h in enumerate(height):
            mri[t, int(h) : int(h) + 5] = 255
        mel = -50 + height[:, None] * np.linspace(-1, 1, 64) + rng.normal(0, 0.1, (count, 64))
        sample = folder / "samples" / id_
        sample.mkdir(parents=True)
        np.save(sample / "mri.npy", mri)
        np.save(sample / "mel_db.npy", mel.astype(np.float32))
        np.save(sample / "mask.npy", np.arange(count) < count - 2)
        utterances[id_] = {"frames": count, "speaker": id_[:3], "text": None}
        mels.append(mel)
    Scaler.fit(mels).write(folder / "scaler.json")
    (folder / "meta.json").write_text(json.dumps({"mel": MelSpec().to_json(), "utterances": utterances}))
    return folder


def settings(dataset, run_dir, optimizer=None, **loop):
    return build(
        AcousticRun,
        {
            "data_dir": str(dataset),
            "run_dir": str(run_dir),
            "data": {
                "workers": 0,
                "image_size": SIDE,
                "window": 8,
                "stride": None,
                "split": {"shares": [0.8, 0.2, 0.0], "val_speakers": ["s02"]},
            },
            "model": {"cnn": "test_resnet", "rnn_hidden": 16, "dropout": 0.2},
            "loss": {"ramp_steps": 10},
            "optimizer": optimizer or {"lr": 1e-3, "patience": 0, "min_lr": 1e-5},
            "training": {"batch": 4, "micro_batch": 2, "accelerator": "cpu", "batches_per_epoch": 4, **loop},
        },
    )


def history(run_dir):
    with (run_dir / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ------------------------------------------------------------------------------------------------------------ dataset


def test_windows_cover_every_frame(dataset):
    segment = split_corpus(Corpus.read(dataset), DataConfig())[0]["train"][0]
    for window, stride in ((4, 1), (8, None), (8, 3), (500, None), (None, None)):
        covered = np.zeros(segment.stop)
        for w in windows_of(segment, window, stride):
            covered[w.start : w.stop] += 1
            assert window is None or w.stop - w.start == min(window, segment.stop)
        assert covered.all()


def test_a_window_is_what_inference_sees(dataset):
    """Frames as prepare_frames makes them of the stored ones; the mel standardised; seeds and jitter repeatable."""
    corpus = Corpus.read(dataset)
    data = DataConfig(window=8, stride=None, image_size=SIDE)
    windows = WindowDataset(split_corpus(corpus, data)[0]["train"], data, corpus.scaler, jitter=False, augment=None)
    window, item = windows.windows[1][0], windows[1, 0]
    folder, cut = window.utterance.folder, slice(window.start, window.stop)
    np.testing.assert_array_equal(item["frames"][:, 0], prepare_frames(np.load(folder / "mri.npy")[cut], SIDE))
    np.testing.assert_allclose(corpus.scaler.to_db(item["mel"].numpy()), np.load(folder / "mel_db.npy")[cut], atol=1e-4)
    moved = WindowDataset(split_corpus(corpus, data)[0]["train"], data, corpus.scaler, jitter=True, augment=None)
    draws = [moved[1, seed]["mel"] for seed in range(6)]
    assert any(not torch.equal(draws[0], other) for other in draws[1:])
    assert all(torch.equal(moved[1, seed]["mel"], draw) for seed, draw in enumerate(draws))


def test_the_sampler_gives_every_window_once_and_depends_on_the_epoch_alone():
    def indices(sampler, epoch):
        sampler.set_epoch(epoch)
        return [index for index, _ in sampler]

    alone = SeededSampler(10, 3, shuffle=True)
    first = indices(alone, 0)
    assert sorted(first) == list(range(10)) and indices(alone, 1) != first and indices(alone, 0) == first
    pair = [SeededSampler(10, 3, shuffle=True, rank=r, world=2) for r in (0, 1)]
    assert sorted(indices(pair[0], 4) + indices(pair[1], 4)) == list(range(10))


def test_the_window_split_shares_frames_and_the_utterance_split_does_not(dataset):
    corpus = Corpus.read(dataset)

    def frames(data, part):
        segments = split_corpus(corpus, data)[0][part]
        return {(s.utterance.id, t) for s in segments for t in range(s.start, s.stop)}

    thesis = DataConfig(split=SplitConfig(by="window"))
    assert frames(thesis, "train") & frames(thesis, "val")
    assert not frames(DataConfig(), "train") & frames(DataConfig(), "val")


# ----------------------------------------------------------------------------------------------------------- training


def test_padding_does_not_change_a_clips_mel():
    torch.manual_seed(0)
    model = AcousticModel(AcousticConfig("test_resnet", rnn_hidden=16)).eval()
    clips = [torch.rand(n, 1, SIDE, SIDE) for n in (5, 9)]
    batch = collate([{"frames": c, "mel": c[:, 0, 0], "mask": c[:, 0, 0, 0] > 2, "index": 0} for c in clips])
    with torch.no_grad():
        together = predict(model, batch["frames"], batch["lengths"])
        for clip, mel in zip(clips, together, strict=True):
            torch.testing.assert_close(mel[: len(clip)], model(clip[None])[0], atol=1e-5, rtol=1e-4)


def test_training_learns_writes_its_figures_and_resumes_exactly(dataset, tmp_path):
    """Three epochs at a stretch, and one and then two more, end in the same weights, plateau and history."""
    train(settings(dataset, tmp_path / "whole", max_epochs=3))
    train(settings(dataset, tmp_path / "parts", max_epochs=1))
    train(settings(dataset, tmp_path / "parts", max_epochs=3))
    whole, parts = (model_tensors(tmp_path / name / "last.ckpt") for name in ("whole", "parts"))
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=0, atol=0)
    rows = history(tmp_path / "whole")
    assert history(tmp_path / "parts") == rows and len(rows) == 3
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert {"band/train_F1", "band/val_F1", "band/val_F2", "val/shape_seen", "val/shape_new"} <= set(rows[0])
    best = min(rows, key=lambda row: float(row["val/loss"]))
    differs = any(not torch.equal(t, whole[n]) for n, t in model_tensors(tmp_path / "whole").items())
    assert differs == (best is not rows[-1])
    split = json.loads((tmp_path / "whole" / "split.json").read_text())
    assert {i[:3] for i in split["train"]} == {"s00", "s01"} and "s02_0008" in split["val"]


@pytest.mark.slow
def test_enough_training_beats_the_mean_mel(dataset, tmp_path):
    """The bar's height decides the mel, so a trained model must do better than the standardised mel's own variance."""
    train(settings(dataset, tmp_path / "run", {"lr": 4e-3}, max_epochs=12, batches_per_epoch=None))
    rows = history(tmp_path / "run")
    assert float(rows[-1]["band/val_F1"]) < 0.6 * float(rows[0]["band/val_F1"])
    assert float(rows[-1]["val/shape_new"]) > 0.7


def test_a_run_of_other_settings_is_not_gone_on_with(dataset, tmp_path):
    train(settings(dataset, tmp_path, max_epochs=1))
    other = read_yaml(CONFIGS / "acoustic.yaml") | {"data_dir": str(dataset), "run_dir": str(tmp_path)}
    with pytest.raises(InputError, match="another run_dir"):
        train(build(AcousticRun, other))


def test_init_from_starts_at_the_other_runs_weights(dataset, tmp_path):
    first = train(settings(dataset, tmp_path / "a", max_epochs=1))
    second = settings(dataset, tmp_path / "b", max_epochs=1)
    second = replace(second, init_from=str(first), optimizer=replace(second.optimizer, lr=1e-12, min_lr=1e-13))
    train(second)
    start = model_tensors(first)
    for name, tensor in model_tensors(tmp_path / "b" / "last.ckpt").items():
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(tensor, start[name], atol=1e-6, rtol=1e-5)


def test_init_from_a_bundle_begins_with_its_mel_and_says_its_figures_at_step_0(dataset, tmp_path, capsys):
    """Another scaler, and so other weights of the output layer, but the same dB mel; then validation every 3 steps."""
    torch.manual_seed(1)
    model = AcousticModel(AcousticConfig("test_resnet", rnn_hidden=16, dropout=0.2))
    other = Scaler(np.linspace(-70, -30, 64), np.linspace(4, 20, 64))
    other_bundle = replace(make_bundle(), acoustic=model.eval(), scaler=other)
    other_bundle.save(tmp_path / "bundle")
    corpus = Corpus.read(dataset)
    tensors = start_tensors(tmp_path / "bundle", corpus.mel, corpus.scaler)
    begun = AcousticModel(model.config).eval()
    begun.load_state_dict(tensors, strict=False)
    features = torch.randn(1, 9, model.channels)
    with torch.no_grad():
        mels_db = [sc.to_db(m.mel_from_features(features)[0]) for m, sc in ((begun, corpus.scaler), (model, other))]
    torch.testing.assert_close(*mels_db, rtol=0, atol=2e-4)

    ids = ("s00_0000", "s01_0005")
    run = settings(dataset, tmp_path / "run", max_epochs=2, batches_per_epoch=None, validate_every=3)
    split = SplitConfig(shares=(1.0, 0.0, 0.0), val_ids=ids)
    run = replace(run, init_from=str(tmp_path / "bundle"), data=replace(run.data, split=split))
    train(run)
    assert json.loads((tmp_path / "run" / "split.json").read_text())["val"] == sorted(ids)
    rows = history(tmp_path / "run")
    assert [(row["epoch"], row["step"]) for row in rows] == [("start", "0"), ("0", "3"), ("1", "6")]
    clip = prepare_frames(np.load(dataset / "samples" / ids[0] / "mri.npy"), SIDE)
    with torch.no_grad():
        made = other.to_db(model(torch.from_numpy(clip)[None, :, None])[0]).numpy()
    assert np.isfinite(made).all() and float(rows[0]["val/loss"]) > 0
    assert "training on cpu" in capsys.readouterr().out
    with pytest.raises(InputError, match="another mel"):
        start_tensors(tmp_path / "bundle", replace(corpus.mel, fmax_hz=5000.0), corpus.scaler)


@pytest.mark.parametrize(
    ("loop", "split", "message"),
    [
        ({"validate_every": 0}, {}, "validate_every"),
        ({"validate_every": 2, "batches_per_epoch": 2}, {}, "validate_every"),
        ({}, {"val_ids": ["nobody"]}, "no recording 'nobody'"),
        ({}, {"by": "window", "val_ids": ["s00_0000"]}, "whole recordings"),
    ],
)
def test_what_cannot_be_held_out_or_validated_is_told(dataset, loop, split, message):
    with pytest.raises(InputError, match=message):
        build(AcousticRun, {"data_dir": "d", "run_dir": "r", "training": loop, "data": {"split": split}})
        split_corpus(Corpus.read(dataset), DataConfig(split=build(SplitConfig, split)))


def test_the_thesis_settings_are_the_default():
    for config in (build(AcousticRun, read_yaml(CONFIGS / "acoustic.yaml") | {"data_dir": "d", "run_dir": "r"}),):
        assert config == AcousticRun("d", "r")
    run = AcousticRun("d", "r")
    assert (run.model.cnn, run.model.rnn_hidden, run.data.window, run.training.batch) == (
        "tf_efficientnetv2_b2",
        640,
        4,
        16,
    )
    compact = read_arguments(["--config-name", "acoustic_compact", "data_dir=d", "run_dir=r"], "acoustic")
    assert build(AcousticRun, compact).data.split.shares == (0.9, 0.1, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"cnnn": "x"}}, "model.cnnn"),
        ({"optimizer": {"lr": "fast"}}, "optimizer.lr"),
        ({"training": {"batch": 6}}, "multiple"),
        ({"data": {"image_size": 100}}, "multiple of 32"),
        ({"run_dir": "???"}, "run_dir is missing"),
    ],
)
def test_wrong_settings_are_told_by_name(change, message):
    with pytest.raises(InputError, match=message):
        build(AcousticRun, {"data_dir": "d", "run_dir": "r"} | change)


def test_training_runs_in_bf16_where_synthesis_would(monkeypatch):
    """One answer for both: the hardware's own, AVX512-BF16 counted; older GPUs train in fp16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for amx, avx512, expected in ((True, False, "bf16"), (False, True, "bf16"), (False, False, "fp32")):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx512=avx512: avx512)
        assert lightning_precision("auto", "auto") == {"bf16": "bf16-mixed", "fp32": "32-true"}[expected]
        dtype = choose_precision("auto", torch.device("cpu"))
        assert dtype == {"bf16": torch.bfloat16, "fp32": torch.float32}[expected]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for native, expected in ((False, "16-mixed"), (True, "bf16-mixed")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, native=native: native)
        assert lightning_precision("auto", "auto") == expected
    assert lightning_precision("fp16", "cpu") == "16-mixed"


@pytest.mark.slow
def test_the_command_trains_in_two_processes(dataset, tmp_path):
    """The real command over gloo (DDP): one epoch of one step."""
    command = [sys.executable, "-m", "training.acoustic", f"data_dir={dataset}", f"run_dir={tmp_path / 'run'}"]
    command += ["model.cnn=test_resnet", "model.rnn_hidden=8", f"data.image_size={SIDE}", "data.workers=0"]
    command += ["training.batch=4", "training.micro_batch=2", "training.devices=2", "training.accelerator=cpu"]
    command += ["training.batches_per_epoch=1", "training.max_epochs=1"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [row["step"] for row in history(tmp_path / "run")] == ["1"]


def test_no_dataset_is_told(tmp_path):
    with pytest.raises(InputError, match="preprocess"):
        train(AcousticRun(str(tmp_path), str(tmp_path / "run")))


def test_an_envelope_keeps_formants_and_drops_harmonics():
    bins = np.arange(64)
    formants = -40 + 15 * np.exp(-(((bins - 20) / 6) ** 2)) + 10 * np.exp(-(((bins - 45) / 7) ** 2))
    voiced = (formants + 8 * np.cos(2 * np.pi * bins / 5))[None]  # a harmonic every fifth bin: F0 of about 190 Hz
    smooth = target_mel(voiced, DataConfig(envelope=16))
    assert np.abs(smooth - formants)[:, 3:-3].max() < 2  # of 8 dB; the ends, where half a harmonic is cut, lie off
    np.testing.assert_allclose(target_mel(voiced, DataConfig()), voiced, rtol=1e-6)
    assert target_mel(voiced, DataConfig(envelope=16, floor_db=-35.0)).min() == -35
    with pytest.raises(InputError, match="envelope"):
        DataConfig(envelope=0)


def test_a_run_is_never_lost(dataset, tmp_path, capsys):
    never_lost(train, settings(dataset, tmp_path / "run", max_epochs=2), capsys)


@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
@pytest.mark.parametrize("total", [1, 4, 5])  # in the first epoch, at the end of the second, in the third
def test_a_run_of_known_length_is_validated_to_its_end_and_resumes_exactly(dataset, tmp_path, schedule, total):
    """Two steps an epoch: at a stretch, stopped after the first, and started once more when all is done."""
    optimizer = {"lr": 1e-3, "schedule": schedule, "total_steps": total}
    train(settings(dataset, tmp_path / "whole", optimizer))
    train(settings(dataset, tmp_path / "parts", optimizer, max_epochs=1))
    for _ in range(2):
        train(settings(dataset, tmp_path / "parts", optimizer))
    whole, parts = (model_tensors(tmp_path / name / "last.ckpt") for name in ("whole", "parts"))
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())
    rows = history(tmp_path / "whole")
    assert history(tmp_path / "parts") == rows
    assert [int(row["step"]) for row in rows] == [*range(2, total, 2), total]
    assert len({row["val/loss"] for row in rows}) == len(rows)  # each of its own epoch


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C is sent otherwise")
def test_ctrl_c_says_what_to_do(dataset, tmp_path):
    words = [sys.executable, "-m", "training.acoustic", f"data_dir={dataset}", f"run_dir={tmp_path / 'run'}"]
    words += ["model.cnn=test_resnet", "model.rnn_hidden=8", f"data.image_size={SIDE}", "data.workers=0"]
    words += ["training.batch=4", "training.micro_batch=2", "training.accelerator=cpu", "training.log_every=1"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        next(line for line in run.stdout if line.startswith("epoch"))
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1].splitlines()
    assert run.returncode == 130 and "a run goes on from its last checkpoint" in said[-1], said
    assert "Traceback" not in "".join(said)
