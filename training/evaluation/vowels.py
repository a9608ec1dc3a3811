"""Whether the vowels a bundle speaks are the ones that were said: F1 and F2 by Praat, nearest true vowel.

    python -m training.evaluation.vowels CLIPS --bundle BUNDLE

CLIPS are phantom clips with sound and <id>.truth.npz, such as a i u e o. A true vowel is what Praat measures in the
clip's own sound at the same place. The same for copy-synthesis tells what the vocoder alone loses. What is synthesised
is measured whether it is voiced or whispered, and how many vowels are voiced is told beside.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoding import vocode
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.formants import formant_ceiling, measure_f0, measure_formants, nearest_vowel
from rtmri2speech.speech.mel import mel_spectrogram_db
from rtmri2speech.speech.voice import own_f0

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, sound_of, truth_of

VOWELS = ("a", "i", "u", "e", "o")
_INSTANTS = tuple(np.linspace(0.3, 0.7, 9))  # of a vowel's length: where its formants are measured


def vowel_times(path: Path) -> list[tuple[str, np.ndarray]]:
    """(vowel, times in s) of each of the five vowels in the clip's truth, in their order."""
    with np.load(truth_of(path), allow_pickle=False) as data:
        phones = zip(data["phones"], data["phone_start_s"], data["phone_end_s"], strict=True)
        return [
            (name, start + (end - start) * np.array(_INSTANTS))
            for phone, start, end in phones
            if (name := str(phone).rstrip(":")) in VOWELS
        ]


def measured(
    waveform: np.ndarray, rate: int, times: list[tuple[str, np.ndarray]], ceiling_hz: float, voiced_only: bool = True
) -> list:
    """(F1, F2) in Hz of each vowel, the median over its instants; with voiced_only, NaN where there is no voice."""
    every = np.concatenate([t for _, t in times])
    formants = measure_formants(waveform, rate, every, ceiling_hz=min(ceiling_hz, rate / 2), voiced_only=voiced_only)[
        :, :2
    ]
    groups = formants.reshape(len(times), -1, 2)
    with np.errstate(invalid="ignore"):
        return [tuple(_median(group)) for group in groups]


def _median(values: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values).all(axis=1)]
    return np.median(known, axis=0) if len(known) else np.full(2, np.nan)


def true_vowels(times: list, formants: list) -> Mapping[str, tuple[float, float]]:
    """vowel -> mean (F1, F2) of its occurrences in the true sound. Raises InputError if a vowel cannot be measured."""
    found: dict[str, list] = {}
    for (name, _), pair in zip(times, formants, strict=True):
        if np.isfinite(pair).all():
            found.setdefault(name, []).append(pair)
    if len(found) < 2:
        raise InputError("Fewer than two of the clip's vowels can be measured in its own sound.")
    return {name: tuple(np.mean(pairs, axis=0)) for name, pairs in found.items()}


def judge(bundle: Bundle, path: Path) -> list[dict]:
    """One row a vowel: said, true_hz; for "synthesis" and "copy_synthesis" formants (Hz), nearest vowel, voiced."""
    clip, times = read_clip(path), vowel_times(path)
    rate = bundle.mel.sample_rate
    original = resample(*sound_of(path, clip), rate)
    copy_mel = mel_spectrogram_db(torch.from_numpy(original), bundle.mel)
    f0_hz = None
    if bundle.vocoder.takes_f0:
        f0_hz = own_f0(original, bundle.mel, len(copy_mel), bundle.vocoder.f0_per_frame)
    copied = vocode(bundle, copy_mel, f0_hz=f0_hz)
    sounds = {"synthesis": analyse(bundle, clip, bands=()).audio, "copy_synthesis": copied}
    every = np.concatenate([t for _, t in times])
    ceiling_hz = formant_ceiling(measure_f0(original, rate, every))
    true = measured(original, rate, times, ceiling_hz)
    reference = true_vowels(times, true)
    rows = [{"said": name, "true_hz": pair} for (name, _), pair in zip(times, true, strict=True)]
    for kind, sound in sounds.items():
        pairs = measured(sound, rate, times, ceiling_hz, voiced_only=False)
        for row, pair, (_, instants) in zip(rows, pairs, times, strict=True):
            nearest = nearest_vowel(*pair, reference)
            voiced = bool(np.isfinite(measure_f0(sound, rate, instants)).mean() >= 0.5)
            row[kind] = {"hz": pair, "nearest": nearest[0] if nearest else None, "voiced": voiced}
    return rows


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips or folders of them, with <id>.truth.npz beside.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
) -> None:
    """The formants of the synthesised vowels, and how many are nearest to the vowel that was said."""
    judged = load_bundle(bundle) if bundle else load_bundle()
    for path in find_phantoms(clips):
        rows = judge(judged, path)
        print(f"{path.stem}: said, true F1 F2 (Hz)")
        for row in rows:
            cells = [f"{kind} {_hertz(row[kind]['hz'])} -> {row[kind]['nearest']}" for kind in _KINDS]
            print(f"  {row['said']}  {_hertz(row['true_hz'])}   " + "   ".join(cells))
        for kind in _KINDS:
            right = sum(row[kind]["nearest"] == row["said"] for row in rows)
            voiced = sum(row[kind]["voiced"] for row in rows)
            print(f"  {kind}: {right} of {len(rows)} vowels right, {voiced} voiced")


_KINDS = ("synthesis", "copy_synthesis")


def _hertz(pair: tuple[float, float]) -> str:
    return " ".join("   -" if np.isnan(v) else f"{v:4.0f}" for v in pair)


if __name__ == "__main__":
    typer.run(main)
