"""Temporal models: pooled features of all frames -> a state of each frame.

A new kind is a file with a class, and a line in TEMPORAL_MODELS. It must implement `states` only; attribution then uses
the autograd fallbacks here, which a faster exact form may override (bilstm.py).
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
_AT_ONCE = 16  # sequences a batch: bounds the memory of the fallback


class TemporalModel(ABC, nn.Module):
    """Constructed as class(channels, hidden): features (B, T, channels) -> states (B, T, hidden)."""

    @abstractmethod
    def states(self, features: Tensor) -> Tensor:
        """Features (B, T, C) -> states (B, T, H)."""

    def frame_local_states(self, features: Tensor, frames: Tensor) -> Callable[[Tensor], Tensor]:
        """A function: features (n, C) of `frames` (n,) -> their states (n, H), each depending on its own row only. The
        features (T, C) of all other frames are held fixed."""

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
        """(T, T): gradient times input of frame s (column) for the value of frame t (row). slope: (T, H), derivative of
        each frame's value by its own state."""
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
    """A new temporal model of that kind. Raises InputError for an unknown one."""
    if kind not in TEMPORAL_MODELS:
        raise InputError(
            "There is no temporal model {kind!r}: this version knows {known}.",
            kind=kind,
            known=", ".join(TEMPORAL_MODELS),
        )
    module, _, member = TEMPORAL_MODELS[kind].partition(":")
    return getattr(import_module(module), member)(channels, hidden)
