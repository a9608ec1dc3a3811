"""Intonation: the same clips whispered, and voiced with each F0 contour.

    python -m training.evaluation.intonation CLIPS --bundle BUNDLE

CLIPS have sound and were held out from training. STOI, ESTOI and PESQ are against the clip's own sound, whose F0 a
voice of another F0 contour does not have: "original" tells what that alone costs. voicing: share of frames that Praat
finds voiced in one sound only. asked: median distance of the F0 that Praat hears from the requested one, Hz.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.formants import measure_f0
from rtmri2speech.speech.metrics import evaluate_waveforms
from rtmri2speech.speech.voice import INTONATIONS, Voice

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, sound_of

VOICES = {"whisper": Voice(whisper=True)} | {name: Voice(intonation=name) for name in INTONATIONS}
METRICS = {
    "stoi": "STOI",
    "estoi": "ESTOI",
    "pesq_nb": "PESQ",
    "voicing_error": "voicing",
    "f0_rmse_hz": "F0 RMSE",
    "asked_hz": "asked",
}


def judge(bundle: Bundle, path: Path) -> dict[str, dict[str, float | None]]:
    """voice -> metric -> value, of one clip; None where it is not defined."""
    clip = read_clip(path)
    samples, rate = sound_of(path, clip)
    clip, true = replace(clip, audio=samples, audio_rate=rate), resample(samples, rate, bundle.mel.sample_rate)
    rows = {}
    for name, voice in VOICES.items():
        result = analyse(bundle, clip, bands=(), voice=voice)
        count = min(len(true), len(result.audio))
        rows[name] = evaluate_waveforms(
            true[:count], bundle.mel.sample_rate, result.audio[:count], bundle.mel.sample_rate
        )
        rows[name]["asked_hz"] = _distance(result)
    return rows


def _distance(result) -> float | None:
    """Median distance of measured from requested F0, Hz, over the frames that are voiced in both."""
    if result.f0_hz is None:
        return None
    measured_hz = measure_f0(result.audio, result.sample_rate, (np.arange(len(result.f0_hz)) + 0.5) / result.fps)
    both = (result.f0_hz > 0) & np.isfinite(measured_hz)
    return float(np.median(np.abs(measured_hz - result.f0_hz)[both])) if both.any() else None


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips with sound, or folders of them.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
) -> None:
    """Intelligibility, voicing and pitch of the whispered and the voiced speech of a bundle that carries a voice."""
    judged = load_bundle(bundle) if bundle else load_bundle()
    if judged.voice is None:
        raise InputError("The bundle {name} carries no voice to be judged.", name=judged.name)
    rows = [judge(judged, path) for path in find_phantoms(clips)]
    print(f"{'':<12}" + "".join(f"{label:>10}" for label in METRICS.values()) + f"   ({len(rows)} clips)")
    for voice in VOICES:
        values = ([row[voice][metric] for row in rows if row[voice][metric] is not None] for metric in METRICS)
        print(f"{voice:<12}" + "".join(f"{np.mean(v):>10.3f}" if v else f"{'-':>10}" for v in values))


if __name__ == "__main__":
    typer.run(main)
