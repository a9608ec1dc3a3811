"""Pre-training of a small encoder: it learns, goes on exactly where it was stopped, and leaves an encoder to use."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.restore.encoder import load_hubert
from tests.training.never_lost import never_lost
from tests.training.restore.test_restore_stages import ENCODER
from training.engine.config import build
from training.restore.pretrain import Pretraining, PretrainSettings, pretrain


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("speech"), np.random.default_rng(0)
    t = np.arange(16_000) / 16_000
    for k in range(2):
        # Two sounds in turn: what is masked can be told from what is around it.
        buzz = sum(np.sin(2 * np.pi * (110 + 10 * k) * h * t) / h for h in range(1, 12))
        sound = np.where(np.sin(2 * np.pi * t) > 0, 0.1 * buzz, 0.05 * random.standard_normal(len(t)))
        soundfile.write(folder / f"{k}.wav", sound, 16_000)
    return folder


def settings(speech, run, **changes) -> PretrainSettings:
    values = dict(
        run_dir=str(run), sources={"s": {"folder": str(speech), "held_out": 0}}, encoder=ENCODER, classes=4,
        segment_s=0.5, batch_size=2, warmup_steps=2, steps=4, checkpoint_every=1, device="cpu",
    )  # fmt: skip
    return build(PretrainSettings, values | changes)


def test_a_stopped_run_goes_on_exactly_and_leaves_an_encoder(speech, tmp_path, monkeypatch):
    whole = pretrain(settings(speech, tmp_path / "whole"))
    advance = Pretraining.advance

    def stop_after(self, *batch):
        if self.step == 2:
            raise ConnectionAbortedError
        return advance(self, *batch)

    with monkeypatch.context() as broken:
        broken.setattr(Pretraining, "advance", stop_after)
        with pytest.raises(ConnectionAbortedError):
            pretrain(settings(speech, tmp_path / "run"))
    resumed = pretrain(settings(speech, tmp_path / "run", log_every=7))
    (one, _), (other, _) = load_hubert(str(whole)), load_hubert(str(resumed))
    assert all(torch.equal(t, other.state_dict()[name]) for name, t in one.state_dict().items())
    assert json.loads((resumed / "training.json").read_text(encoding="utf-8"))["steps"] == 4
    with pytest.raises(InputError, match="begun with classes = 4, not 5"):
        pretrain(replace(settings(speech, tmp_path / "run"), classes=5))


def test_masked_frames_are_learnt(speech, tmp_path, capsys):
    pretrain(settings(speech, tmp_path, steps=60, lr=3e-3, log_every=20, encoder=ENCODER | {"hidden_dropout": 0.0}))
    losses = [float(line.split()[3]) for line in capsys.readouterr().out.splitlines() if line.startswith("train ")]
    assert losses[-1] < 0.9 * losses[0]


def test_a_run_is_never_lost(speech, tmp_path, capsys):
    never_lost(pretrain, settings(speech, tmp_path / "run"), capsys)
