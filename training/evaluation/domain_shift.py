"""How well a bundle does on pictures as another scanner, field of view or operator would have made them.

    python -m training.evaluation.domain_shift CLIPS --bundle BUNDLE [--adapt]

CLIPS have sound and were held out from training. Each clip is shown as it is and in VARIANTS, fixed changes of its
pictures that training.acoustic.augment does not make in this strength or at all; the sound stays. For each: the
correlation of the spectrum's shape and of its level with the true mel over the speech frames, and how far the level in
pauses lies below that of speech. With --adapt the bundle is fitted to every clip's own pictures first
(rtmri2speech.analysis.domain_adaptation). A stand-in for real scanners, of which it says nothing certain.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.analysis.domain_adaptation import adapt
from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import Clip, read_clip
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.bundle import Bundle
from rtmri2speech.models.load import load_bundle
from rtmri2speech.speech.audio import resample
from rtmri2speech.speech.mel import SPEECH_RANGE_DB, mel_spectrogram_db, speech_frames
from rtmri2speech.speech.metrics import loudness_correlation, spectral_shape_correlation

from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, sound_of

_CENTRE = np.array([0.36, 0.5])  # of the vocal tract in a picture of a whole head that looks left


def _moved(frames: np.ndarray, zoom: tuple[float, float], degrees: float, shift: tuple[float, float]) -> np.ndarray:
    """Magnified about the vocal tract, turned, and shifted by shares of the picture."""
    size = np.array(frames.shape[:0:-1], float)
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * zoom
    pivot = _CENTRE * size
    matrix = np.c_[turn, pivot + np.array(shift) * size - turn @ pivot]
    return np.stack([cv2.warpAffine(f, matrix, tuple(int(s) for s in size), flags=cv2.INTER_AREA) for f in frames])


def mouth_only(frames: np.ndarray) -> np.ndarray:
    """A field of view of lips to pharynx: brain and most of the spine are outside the picture."""
    return _moved(frames, (1.75, 1.75), 0.0, (0.12, 0.0))


def far_away(frames: np.ndarray) -> np.ndarray:
    """A field of view a third larger than any in training."""
    return _moved(frames, (0.75, 0.75), 0.0, (0.05, 0.03))


def leaning(frames: np.ndarray) -> np.ndarray:
    """The head turned by 15 degrees, and low in the picture."""
    return _moved(frames, (1.1, 1.1), -15.0, (0.0, 0.1))


def other_anatomy(frames: np.ndarray) -> np.ndarray:
    """A head 25 % longer for its depth, bent by a smooth distortion, as no scaled phantom is."""
    stretched = _moved(frames, (0.95, 1.2), 0.0, (0.0, 0.0))
    rows, columns = frames.shape[1:]
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    bend_x = x + 0.02 * columns * np.sin(2 * np.pi * y / rows).astype(np.float32)
    bend_y = y + 0.02 * rows * np.sin(2 * np.pi * (x / columns + 0.2)).astype(np.float32)
    return np.stack(
        [cv2.remap(f, bend_x, bend_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for f in stretched]
    )


def coarse_and_noisy(frames: np.ndarray) -> np.ndarray:
    """68 pixels across with strong noise and hard edges, as the oldest corpora."""
    rng = np.random.default_rng(0)
    small = [cv2.resize(f, (68, 68), interpolation=cv2.INTER_AREA).astype(np.float32) for f in frames]
    noisy = [np.hypot(f + rng.normal(0, 14, f.shape), rng.normal(0, 14, f.shape)) for f in small]
    size = frames.shape[:0:-1]
    return np.stack(
        [np.clip(cv2.resize(f, size, interpolation=cv2.INTER_LANCZOS4), 0, 255).astype(np.uint8) for f in noisy]
    )


def surface_coil(frames: np.ndarray) -> np.ndarray:
    """One coil at the chin: the back of the head is lost, and bright lips are compressed."""
    rows, columns = frames.shape[1:]
    y, x = np.mgrid[0:rows, 0:columns] / [[[rows]], [[columns]]]
    field = np.exp(-(((x - 0.2) / 0.35) ** 2) - (((y - 0.62) / 0.4) ** 2))
    return np.clip(255 * (frames / 255 * (0.05 + 1.3 * field)) ** 0.7, 0, 255).astype(np.uint8)


COLUMNS = ("shape", "loudness", "pause_db")
VARIANTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as it is": lambda frames: frames,
    "mouth only": mouth_only,
    "far away": far_away,
    "leaning": leaning,
    "other anatomy": other_anatomy,
    "coarse and noisy": coarse_and_noisy,
    "surface coil": surface_coil,
}


def transfer(
    bundle: Bundle, clips: list[tuple[Clip, np.ndarray, int]], fitted: bool = False
) -> dict[str, dict[str, float]]:
    """(clip, its sound, rate) each -> variant -> {"shape", "loudness", "pause_db"}, means over the clips.

    shape, loudness: correlations over the speech frames. pause_db: mean level of the speech frames less that of the
    others. fitted: each clip is judged with a bundle that was fitted to it.
    """
    table = {}
    for name, change in VARIANTS.items():
        rows = []
        for clip, sound, rate in clips:
            shown = replace(clip, frames=change(clip.frames))
            judged = adapt(bundle, [shown])[0] if fitted else bundle
            rows.append(agreement(judged, shown, sound, rate))
        table[name] = means(rows)
    return table


def agreement(bundle: Bundle, shown: Clip, sound: np.ndarray, rate: int) -> list[float | None]:
    """COLUMNS of one clip against its sound; None where one is not defined."""
    mel_db = analyse(bundle, shown, bands=(), speak=False).mel_db
    true = mel_spectrogram_db(torch.from_numpy(resample(sound, rate, bundle.mel.sample_rate)), bundle.mel).numpy()
    count = min(len(true), len(mel_db))
    speech = speech_frames(true[:count], SPEECH_RANGE_DB)
    pause = np.setdiff1d(np.arange(count), speech)
    pair = true[speech], mel_db[speech]
    drop = mel_db[speech].mean() - mel_db[pause].mean() if len(pause) else None
    return [spectral_shape_correlation(*pair), loudness_correlation(*pair), drop]


def means(rows: list[list[float | None]]) -> dict[str, float]:
    """The mean of each of COLUMNS over the clips in which it is defined."""
    known = ([v for v in column if v is not None] for column in zip(*rows, strict=True))
    return {key: float(np.mean(v)) if v else float("nan") for key, v in zip(COLUMNS, known, strict=True)}


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips with sound, or folders of them.")],
    bundle: Annotated[Path | None, Option("--bundle", help="Default: the embedded one.")] = None,
    fitted: Annotated[bool, Option("--adapt", help="Fit the bundle to each clip's own pictures first.")] = False,
    json_out: Annotated[Path | None, Option("--json", help="Also write the table to this file.")] = None,
) -> None:
    """Correlation of the spectrum's shape and level on variants of held-out phantoms."""
    refuse_overwriting_inputs([json_out], [*clips, bundle])
    judged = load_bundle(bundle) if bundle else load_bundle()
    read = []
    for path in find_phantoms(clips):
        clip = read_clip(path)
        read.append((clip, *sound_of(path, clip)))
    table = transfer(judged, read, fitted)
    print(f"{len(read)} clips: correlation of shape and loudness, and speech above pauses, dB")
    print(f"{'':<20}{'shape':>10}{'loudness':>10}{'pauses':>10}")
    for name, row in table.items():
        print(f"{name:<20}{row['shape']:>10.2f}{row['loudness']:>10.2f}{row['pause_db']:>10.1f}")
    if json_out:
        write_json(json_out, table)


if __name__ == "__main__":
    typer.run(main)
