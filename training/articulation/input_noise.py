"""Input noise: the errors of a CNN that has not been trained on the speaker, added to true articulation.

Its errors are of three kinds: a bias that stays for a clip (the speaker's proportions, the scanner's contrast), a drift
that lasts for some frames (a posture it misreads), and what changes from frame to frame. What it is unsure of it draws
towards the mean.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class InputNoiseConfig:
    """In standard deviations of a column: bias per clip, drift of this many frames, noise per frame.

    shrink: the least factor towards the mean, drawn between it and 1. Every clip draws its own strength of all, between
    0 and 1. Errors are shared among columns through `factors` random directions, as neighbouring tube areas err alike.
    """

    bias: float = 0.5
    drift: float = 0.45
    drift_frames: float = 6.0
    noise: float = 0.15
    shrink: float = 0.6
    factors: int = 12


def with_input_noise(articulation: Tensor, config: InputNoiseConfig, generator: torch.Generator) -> Tensor:
    """(B, T, K) standardised -> the same with errors, drawn anew for each clip of the batch."""
    batch, time, columns = articulation.shape

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def shared(count: int) -> Tensor:
        """(B, count, K) of deviation 1: half of it common to several columns, half each column's own."""
        mixing = normal(batch, config.factors, columns) / config.factors**0.5
        return 0.5**0.5 * (normal(batch, count, config.factors) @ mixing + normal(batch, count, columns))

    strength = torch.rand(batch, 1, 1, generator=generator)
    kept = 1 - strength * (1 - config.shrink) * torch.rand(batch, 1, columns, generator=generator)
    wrong = config.bias * shared(1) + config.drift * smoothed(shared(time), config.drift_frames)
    return articulation * kept + strength * (wrong + config.noise * normal(batch, time, columns))


def smoothed(noise: Tensor, frames: float) -> Tensor:
    """White noise (B, T, K) -> noise that forgets itself in `frames` (first-order autoregression), of deviation 1."""
    memory = float(torch.exp(torch.tensor(-1.0 / frames)))
    out = [noise[:, 0]]
    for k in range(1, noise.shape[1]):
        out.append(memory * out[-1] + (1 - memory**2) ** 0.5 * noise[:, k])
    return torch.stack(out, dim=1)
