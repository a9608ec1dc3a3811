"""Perceptual loss for single frames: predicted and true posture are each held for nine frames, decoded by a model of
articulation -> mel, and compared as mels in the middle frame.

Errors in articulation differ in what they change in the sound: a tongue body too high changes every formant, a glottis
a little wider hardly anything. The model takes sequences and pictures are single moments, so each posture is held.
"""

import torch
from torch import Tensor, nn

from rtmri2speech.speech.mel import Scaler

from .mel_decoder import ArticulationToMel

_HELD_FRAMES = 9


class PerceptualLoss(nn.Module):
    """Standardised articulation -> the mel and the voicing of that posture, held."""

    def __init__(self, speech: ArticulationToMel, known: Scaler, seen: Scaler):
        """known: the scaler of what `speech` takes; seen: that of the predicted articulation."""
        super().__init__()
        self.speech = speech.eval().requires_grad_(False)
        self.gain = nn.Buffer(torch.from_numpy(seen.std / known.std))
        self.bias = nn.Buffer(torch.from_numpy((seen.mean - known.mean) / known.std))

    def forward(self, articulation: Tensor) -> Tensor:
        """(N, K) -> standardised mel and probability of being voiced (N, n_mels + 1)."""
        held = (articulation * self.gain + self.bias)[:, None].expand(-1, _HELD_FRAMES, -1)
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN differentiates no LSTM in eval mode
            mel, voice = (given[:, _HELD_FRAMES // 2] for given in self.speech(held))
        return torch.cat([mel, voice[:, :1].sigmoid()], dim=1)

    def error(self, found: Tensor, known: Tensor) -> Tensor:
        """(N, K) each -> mean squared error of mel and voicing; unknown columns (NaN) count as found."""
        true = torch.where(torch.isfinite(known), known, found.detach())
        with torch.no_grad():
            wanted = self(true)
        return (self(found) - wanted).square().mean()
