"""Training batches. A batch depends on the seed, its stage and its number in it alone, for exact resuming."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from rtmri2speech.restore.encoder import ENCODER_RATE
from rtmri2speech.speech.audio import resample

from ..preprocess.recordings import Recording
from .config import STAGES, RestoreSettings
from .degrade import Degrader
from .recordings import SegmentDraw


def frames_of(settings: RestoreSettings, seconds: float) -> int:
    """Frames of the encoder's features in so many seconds, at least one."""
    return max(1, round(seconds / (settings.vocoder.hop_length / settings.rate)))


def slice_frames(settings: RestoreSettings, stage: str) -> int:
    """How many frames of a segment the vocoder speaks."""
    own = settings.of(stage)
    return min(frames_of(settings, own.slice_s), frames_of(settings, own.segment_s))


class StageBatches(Dataset):
    """Batches number `first`, first + 1, ... of one stage.

    Each is {"clean": (B, L) at the output rate, "heard": (B, L16) at 16 kHz, what the encoder is given, "target":
    (B, L16) its clean counterpart, "from": first frame of the slice the vocoder speaks}. In stage vocoder, heard is
    clean.
    """

    def __init__(
        self, settings: RestoreSettings, recordings: list[Recording], degrader: Degrader,
        stage: str, first: int, count: int,
    ):  # fmt: skip
        self.settings, self.degrader, self.stage, self.first, self.count = settings, degrader, stage, first, count
        self.frames = frames_of(settings, settings.of(stage).segment_s)
        self.pool = SegmentDraw(recordings, self.frames * settings.vocoder.hop_length)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self.count:
            raise IndexError(index)
        random = np.random.default_rng([self.settings.seed, STAGES.index(self.stage), self.first + index])
        rate, own = self.settings.rate, self.settings.of(self.stage)
        clean, heard = [], []
        for _ in range(own.batch_size):
            segment = self.pool.draw(random)
            clean.append(segment)
            heard.append(segment if self.stage == "vocoder" else self.degrader(segment, random))
        target = np.stack([resample(x, rate, ENCODER_RATE) for x in clean])
        if self.stage != "vocoder":
            heard = [resample(x, rate, ENCODER_RATE) for x in heard]
        return {
            "clean": torch.from_numpy(np.stack(clean)),
            "target": torch.from_numpy(target),
            "heard": torch.from_numpy(target if self.stage == "vocoder" else np.stack(heard)),
            "from": torch.tensor(int(random.integers(self.frames - slice_frames(self.settings, self.stage) + 1))),
        }
