"""The temporal model of an acoustic model: pooled features of every frame -> a state of every frame, from all of them.

A new kind is a file with a class, and its line in TEMPORAL_MODELS. `states` is all it must have: what attribution asks
besides is found by autograd here, and may be overridden by an exact form that is faster (bilstm.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..errors import InputError
from ..progress import UNSEEN, Progress

TEMPORAL_MODELS = {"bilstm": f"{__package__}.bilstm:BiLSTM"}  # name in bundle.json -> module and class
_AT_ONCE = 16  # sequences: bounds the memory of the fallback


class TemporalModel(ABC, nn.Module):
    """Made as class(channels, hidden): states (B, T, hidden) from features (B, T, channels)."""

    @abstractmethod
    def states(self, features: Tensor) -> Tensor:
        """Features (B, T, C) -> states (B, T, H)."""

    def frame_local_states(self, features: Tensor, frames: Tensor) -> Callable[[Tensor], Tensor]:
        """A function of the features (n, C) of these frames (n,) -> their states (n, H), in which each depends on its
        own row only: the features (T, C) of all other frames are held fixed."""

        def some(own: Tensor, rows: Tensor) -> Tensor:
            sequences = features.detach().expand(len(rows), *features.shape).clone()
            numbers = torch.arange(len(rows), device=rows.device)
            sequences[numbers, rows] = own
            return self.states(sequences)[numbers, rows]

        def local(own: Tensor) -> Tensor:
            parts = zip(own.split(_AT_ONCE), frames.split(_AT_ONCE), strict=True)
            return torch.cat([checkpoint(some, g, rows, use_reentrant=False) for g, rows in parts])

        return local

    def contributions(self, features: Tensor, slope: Tensor, progress: Progress = UNSEEN) -> Tensor:
        """(T, T): of the value of frame t, row, whose derivative by its own state is slope[t], (T, H), the gradient
        times input of frame s, column."""
        given = features.detach().clone().requires_grad_(True)
        with torch.enable_grad():
            values = (self.states(given[None])[0] * slope.detach()).sum(dim=1)
        rows = []
        for t, value in enumerate(values):
            (gradient,) = torch.autograd.grad(value, given, retain_graph=t < len(values) - 1)
            rows.append((gradient * features).sum(dim=1))
            progress("attention", t + 1, len(values))
        return torch.stack(rows)


def temporal_model(kind: str, channels: int, hidden: int) -> TemporalModel:
    """A temporal model of that kind. Raises InputError where there is none."""
    if kind not in TEMPORAL_MODELS:
        raise InputError(
            "There is no temporal model {kind!r}: this version knows {known}.",
            kind=kind,
            known=", ".join(TEMPORAL_MODELS),
        )
    module, _, member = TEMPORAL_MODELS[kind].partition(":")
    return getattr(import_module(module), member)(channels, hidden)
