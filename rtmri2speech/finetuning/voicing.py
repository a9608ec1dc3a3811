"""The voicing probe of a bundle: logistic regression of voicing on the states of its temporal model."""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ..errors import InputError
from ..speech.voice import VoicingProbe

PENALTY = 5.0  # on the squared weights, against the sum over frames: chosen on held-out speakers


def fit_voicing_probe(states: np.ndarray, f0_hz: np.ndarray, default: str) -> VoicingProbe:
    """A probe of (N, H) states; its F0 level is the mean, in octaves, of f0_hz (N,) over voiced frames (above 0).

    default: the bundle's default voice. Raises InputError unless some frames are voiced and some are not."""
    voiced = f0_hz > 0
    if voiced.all() or not voiced.any():
        raise InputError("Voiced and unvoiced frames are both needed to fit a voice.")
    known, target = torch.from_numpy(states).double(), torch.from_numpy(voiced).double()
    weight = torch.zeros(states.shape[1], dtype=torch.double, requires_grad=True)
    bias = torch.zeros(1, dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = binary_cross_entropy_with_logits(known @ weight + bias, target, reduction="sum")
        value = value + PENALTY * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    rows = torch.stack([weight.detach(), torch.zeros_like(weight)]).numpy()
    return VoicingProbe(rows, np.array([float(bias.detach()), np.log2(f0_hz[voiced]).mean()]), default)
