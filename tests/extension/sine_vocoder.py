"""A vocoder of another kind, in one file: a sine at F0 as loud as the mel, with one weight."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from rtmri2speech.models.vocoder import Vocoder


class SineVocoder(Vocoder):
    takes_f0 = True

    def __init__(self, n_mels: int, hop_length: int, sample_rate: int):
        super().__init__()
        self.n_mels, self.hop_length, self.sample_rate = n_mels, hop_length, sample_rate
        self.gain = nn.Parameter(torch.tensor(0.1))

    @property
    def context_frames(self) -> int:
        return 0

    @classmethod
    def from_json(cls, data: Mapping) -> "SineVocoder":
        return cls(**data)

    def to_json(self) -> dict:
        return {"n_mels": self.n_mels, "hop_length": self.hop_length, "sample_rate": self.sample_rate}

    def speak(self, mel_db: Tensor, f0_hz: Tensor | None = None, source: Tensor | None = None) -> Tensor:
        f0_hz = torch.zeros(len(mel_db)) if f0_hz is None else f0_hz
        times_s = torch.arange(len(mel_db) * self.hop_length) / self.sample_rate
        tone = torch.sin(2 * torch.pi * f0_hz.repeat_interleave(self.hop_length) * times_s)
        loudness = (10 ** (mel_db.amax(dim=1) / 20)).clamp(max=1).repeat_interleave(self.hop_length)
        return (self.gain * loudness * tone).clamp(-1, 1)
