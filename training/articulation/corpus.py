"""Sound with its articulation, as training.phantom writes it, read to train the mel decoder.

A speaker's truth is in absolute units: log areas, lengths, parameters of the tract. The last column of
training's `articulation`, F0, is left out: pictures do not show it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.audio import read_audio, resample
from rtmri2speech.speech.mel import mel_spectrogram_db

from ..preprocess.phantom_truth import articulation

# Groups of columns, for figures: first column, one past the last.
GROUPS = {"areas": (0, 40), "length": (40, 41), "tract": (41, 60), "velum": (60, 61), "glottis": (61, 63)}
VOICED = 63
COLUMNS = 64


@dataclass(frozen=True)
class SynthesisedSpeech:
    """One utterance: articulation (T, COLUMNS); mel_db (T, n_mels); voiced (T,) 0 or 1; all float32.

    octaves: log2 of the median F0 in Hz.
    """

    id: str
    speaker: str
    articulation: np.ndarray
    mel_db: np.ndarray
    voiced: np.ndarray
    octaves: float


def visible(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(T, COLUMNS) float32: what a picture may show of a phantom's truth."""
    return articulation(truth)[:, :COLUMNS]


def read_spoken(folder: Path, mel: MelSpec) -> list[SynthesisedSpeech]:
    """Every finished utterance of a phantom corpus, in the order of their names.

    Kept in <folder>/spoken.npz; what was added since is read anew. Raises InputError if there is none.
    """
    names = sorted(p.name.removesuffix(".TextGrid") for p in folder.glob("*.TextGrid"))
    if not names:
        raise InputError("{folder} holds no phantom corpus: make one with training.phantom first.", folder=folder)
    cache = folder / "spoken.npz"
    known = _read_cache(cache, mel) if cache.is_file() else {}
    spoken = [known.get(name) or _read_one(folder, name, mel) for name in names]
    if len(known) < len(names):
        _write_cache(cache, spoken, mel)
    return spoken


def _read_one(folder: Path, name: str, mel: MelSpec) -> SynthesisedSpeech:
    with np.load(folder / f"{name}.truth.npz", allow_pickle=False) as data:
        wanted = ("area_cm2", "length_cm", "tract", "velum_cm2", "glottis", "glottis_names", "f0_hz")
        truth = {key: data[key] for key in wanted}
    known, f0_hz = visible(truth), truth["f0_hz"]
    octaves = float(np.log2(np.median(f0_hz[f0_hz > 0]))) if (f0_hz > 0).any() else 0.0
    samples = resample(*read_audio(folder / f"{name}.wav"), mel.sample_rate)
    samples = np.pad(samples, (0, max(0, len(known) * mel.hop_length - len(samples))))
    mel_db = mel_spectrogram_db(torch.from_numpy(samples), mel).numpy()
    frames = min(len(known), len(mel_db))
    known, mel_db = known[:frames], mel_db[:frames]
    return SynthesisedSpeech(name, name.split("_")[0], known, mel_db, known[:, VOICED], octaves)


def _read_cache(path: Path, mel: MelSpec) -> dict[str, SynthesisedSpeech]:
    with np.load(path, allow_pickle=False) as data:
        if str(data["mel"]) != str(mel.to_json()):
            return {}
        known, mel_db, ends = data["articulation"], data["mel_db"], np.cumsum(data["frames"])
        names, octaves = [str(name) for name in data["names"]], data["octaves"].tolist()
    starts = ends - np.diff(ends, prepend=0)
    return {
        name: SynthesisedSpeech(name, name.split("_")[0], known[a:b], mel_db[a:b], known[a:b, VOICED], height)
        for name, a, b, height in zip(names, starts, ends, octaves, strict=True)
    }


def _write_cache(path: Path, spoken: list[SynthesisedSpeech], mel: MelSpec) -> None:
    with atomic_write(path) as temporary:
        with temporary.open("wb") as file:
            np.savez(
                file,
                mel=np.array(str(mel.to_json())),
                names=np.array([s.id for s in spoken]),
                octaves=np.array([s.octaves for s in spoken]),
                frames=np.array([len(s.mel_db) for s in spoken]),
                articulation=np.concatenate([s.articulation for s in spoken]),
                mel_db=np.concatenate([s.mel_db for s in spoken]),
            )


def held_out_speakers(
    spoken: list[SynthesisedSpeech], speakers: tuple[str, ...]
) -> tuple[list[SynthesisedSpeech], list[SynthesisedSpeech]]:
    """(to learn from, to judge by). Raises InputError if either is empty."""
    parts = [s for s in spoken if s.speaker not in speakers], [s for s in spoken if s.speaker in speakers]
    if not all(parts):
        raise InputError("Of the speakers {speakers} none or all are in the corpus.", speakers=", ".join(speakers))
    return parts
