"""Clean recordings prepared for restoration, and segments drawn from them."""

import hashlib
import sys
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError

from ..corpus.speech import Recording, SpeechSource, prepare, split

PEAK = 0.95


def prepare_sources(
    sources: dict[str, SpeechSource], folder: Path, rate: int
) -> tuple[list[Recording], list[Recording]]:
    """Resample what is not yet resampled, and split: (training, held out). Names what is left out on stderr."""
    if not sources:
        raise InputError("No recordings are named: add +sources.NAME.folder=FOLDER.")
    training, held_out = [], []
    for name, source in sources.items():
        # Named after all that the prepared samples depend on, so that changed settings never meet old samples.
        digest = hashlib.sha256(f"{source.folder} {rate} {PEAK}".encode()).hexdigest()[:8]
        prepared = {}
        for recording, result in prepare(source, folder / f"{name}-{digest}", rate, PEAK):
            if isinstance(result, Path):
                prepared[recording] = result
            else:
                print(f"left out: {result}", file=sys.stderr)
        if not prepared:
            raise InputError("No recording of {folder} can be used.", folder=source.folder)
        parts = split(source, prepared, n_mels=0, hop=1)
        training += parts[0]
        held_out += parts[1]
    return training, held_out


class SegmentDraw:
    """Draws segments (samples,) float32 from recordings, by duration times weight; short recordings end in silence."""

    def __init__(self, recordings: list[Recording], samples: int):
        mass = np.array([r.samples * r.weight for r in recordings], np.float64)
        self.recordings, self.samples, self.shares = recordings, samples, mass / mass.sum()

    def draw(self, random: np.random.Generator) -> np.ndarray:
        recording = self.recordings[random.choice(len(self.recordings), p=self.shares)]
        first = int(random.integers(max(1, recording.samples - self.samples + 1)))
        segment = np.load(recording.path, mmap_mode="r")[first : first + self.samples]
        return np.pad(segment, (0, self.samples - len(segment))).astype(np.float32)
