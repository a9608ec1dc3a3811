"""The whole road once, tiny: phantom, dataset, acoustic model, vocoder, bundle, speech."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtmri2speech.models.load import load_bundle

ROOT = Path(__file__).resolve().parents[2]
TINY_VOCODER = (
    "generator.initial_channel=16", "generator.resblock_kernel_sizes=[3]", "generator.resblock_dilation_sizes=[[1]]",
    "generator.resblock='2'", "batch_size=1", "segment_size=2100", "steps=2", "adversarial_from=1",
    "checkpoint_every=2", "validate_every=100", "validate_recordings=1",
)  # fmt: skip


def command(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )
    assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_from_phantom_to_speech(tmp_path):
    corpus, dataset, run, voice = (tmp_path / name for name in ("corpus", "dataset", "run", "voice"))
    command("training.phantom", "--out", corpus, "--minutes", 0.3, "--speakers", 2, "--workers", 2)
    command("training.preprocess", "--data_dir", corpus, "--out_dir", dataset, "--jobs", 1)
    seconds = json.loads((dataset / "meta.json").read_text(encoding="utf-8"))["total_s"]
    assert seconds >= 18

    command(
        "training.acoustic", "--config-name", "acoustic_compact", f"data_dir={dataset}", f"run_dir={run}",
        "model.cnn=test_resnet", "model.rnn_hidden=16", "data.image_size=64", "data.window=8", "data.vary_regions=1.0",
        "data.split.shares=[0.6,0.2,0.2]", "loss.articulation=1.0", "loss.focus=1.0", "training.batch=2",
        "training.micro_batch=2",
        "training.batches_per_epoch=2", "training.max_epochs=1", "training.accelerator=cpu",
    )  # fmt: skip
    held_out = (run / "held_out.txt").read_text(encoding="utf-8").split()
    command(
        "training.vocoder", "--config-name", "vocoder_compact", f"run_dir={voice}", f"+sources.phantom.folder={corpus}",
        f"+sources.phantom.held_out={run / 'held_out.txt'}", *TINY_VOCODER,
    )  # fmt: skip
    command("training.publish", "--acoustic", run, "--vocoder", voice, "--out", tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    assert bundle.kind == "trained" and sorted(held_out) == sorted(
        bundle.training["split"]["val"] + bundle.training["split"]["test"]
    )

    clip = corpus / f"{held_out[0]}.mkv"
    command("rtmri2speech", "synth", clip, "-o", tmp_path / "out.wav", "--bundle", tmp_path / "bundle")
    speech, rate = soundfile.read(tmp_path / "out.wav")
    frames = len(np.load(corpus / f"{held_out[0]}.truth.npz")["labels"])
    assert rate == 11413 and len(speech) == 420 * frames and np.isfinite(speech).all() and speech.std() > 0
