"""A temporal model of another kind, in one file: a small Transformer encoder with relative timing left out."""

import torch
from torch import Tensor, nn

from rtmri2speech.models.temporal_model import TemporalModel


class Transformer(TemporalModel):
    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.entry = nn.Linear(channels, hidden)
        layer = nn.TransformerEncoderLayer(hidden, 4, 2 * hidden, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)

    def states(self, features: Tensor) -> Tensor:
        times = torch.arange(features.shape[1], device=features.device, dtype=features.dtype)
        return self.encoder(self.entry(features) + torch.sin(times / 7)[:, None])
