"""Ten clips of a new lab: what tuning gains on a speaker of that lab who is held out, and how long it takes.

    python -m training.phantom --out LAB --minutes 1.6 --speakers 5 --first-speaker 90 --seed 4711
    python -m benchmarks.finetune LAB [--bundle B] [--cnn]

The lab's pictures are coarse, noisy and shaded by a surface coil; its sound is 8 dB softer, dull, with noise 20 dB
below the speech. The last speaker's clips are held out, ten of the others' are learned from.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from rtmri2speech.clips.clip import Clip
from rtmri2speech.evaluation.speech_quality import read_with_sound
from rtmri2speech.finetuning import FinetuneSettings, finetune, prepare
from rtmri2speech.finetuning.card import table_of
from rtmri2speech.finetuning.tuning import CNN_STEPS
from rtmri2speech.models.load import load_bundle
from training.evaluation.domain_shift import coarse_and_noisy, surface_coil


def of_the_lab(clip: Clip, seed: int) -> Clip:
    """The clip as this lab would have recorded it."""
    assert clip.sound is not None
    samples, rate = clip.sound
    dull = 0.4 * lfilter([1.0], [1.0, -0.5], samples)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(len(dull)) * np.sqrt((dull**2).mean()) * 10 ** (-20 / 20)
    frames = surface_coil(coarse_and_noisy(clip.frames))
    return replace(clip, frames=frames, audio=(dull + noise).astype(np.float32), audio_rate=rate)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetune")
    parser.add_argument("lab", type=Path)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--cnn", action="store_true")
    arguments = parser.parse_args()
    bundle = load_bundle(arguments.bundle)
    paths = sorted(arguments.lab.glob("*.mkv"))
    speakers = sorted({path.stem.split("_")[0] for path in paths})
    held = [path for path in paths if path.stem.split("_")[0] == speakers[-1]]
    learnt = [path for path in paths if path not in held][:10]
    start = time.perf_counter()
    recordings = [
        prepare(bundle, of_the_lab(read_with_sound(path), k), path.stem) for k, path in enumerate([*learnt, *held])
    ]
    prepared_s, start = time.perf_counter() - start, time.perf_counter()
    settings = FinetuneSettings(cnn_steps=CNN_STEPS if arguments.cnn else 0)
    result = finetune(bundle, recordings[: len(learnt)], recordings[len(learnt) :], settings)
    print(f"{bundle.name}: {len(learnt)} clips learned from, {len(held)} of speaker {speakers[-1]} held out")
    tuned_s = time.perf_counter() - start
    print(f"features {prepared_s:.1f} s, tuning with scores {tuned_s:.1f} s, step {result.best_step}")
    print(table_of(result))


if __name__ == "__main__":
    main()
