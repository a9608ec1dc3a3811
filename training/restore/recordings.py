"""Segments drawn from clean recordings."""

import numpy as np

from rtmri2speech.speech.audio import fit

from ..preprocess.recordings import Recording

PEAK = 0.95  # every recording's largest absolute value, whatever level it was recorded at


class SegmentDraw:
    """Draws segments (samples,) float32 from recordings, by duration times weight; short recordings end in silence."""

    def __init__(self, recordings: list[Recording], samples: int):
        mass = np.array([r.samples * r.weight for r in recordings], np.float64)
        self.recordings, self.samples, self.shares = recordings, samples, mass / mass.sum()

    def draw(self, random: np.random.Generator) -> np.ndarray:
        recording = self.recordings[random.choice(len(self.recordings), p=self.shares)]
        first = int(random.integers(max(1, recording.samples - self.samples + 1)))
        segment = np.load(recording.path, mmap_mode="r")[first : first + self.samples]
        return fit(segment, self.samples).astype(np.float32)
