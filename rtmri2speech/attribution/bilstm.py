"""One step of each direction of a BiLSTM with the states around it held fixed, batched over all frames."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..models.acoustic import AcousticModel


def whole_sequence_mel(model: AcousticModel) -> Callable[[Tensor], Tensor]:
    def mel(g: Tensor) -> Tensor:
        # cuDNN's LSTM has no backward in eval mode
        with torch.backends.cudnn.flags(enabled=False):
            return model.mel_from_features(g[None])[0]

    return mel


def own_frame_mel(
    model: AcousticModel, features: Tensor, frames: np.ndarray | None = None
) -> Callable[[Tensor], Tensor]:
    """A function g (n, C) -> standardised mel (n, n_mels) in which each frame depends on its own row of g only, the
    features (T, C) of all others held fixed. frames: indices of the n frames; default: all."""
    rows = slice(None) if frames is None else torch.as_tensor(frames, device=features.device)
    with torch.no_grad():
        hidden = model.rnn(features[None])[0][0].chunk(2, dim=-1)
        forward, backward = (
            Direction(model.rnn, suffix, features, states, rows)
            for suffix, states in zip(("", "_reverse"), hidden, strict=True)
        )

    def mel(g: Tensor) -> Tensor:
        return model.head(model.dropout(forward.step(g) + backward.step(g)))

    return mel


class Direction:
    """One direction of an LSTM with the states before some frames fixed. features, hidden: (T, ...).

    rows: those frames. suffix: "" or "_reverse", as in the names of nn.LSTM's weights.
    """

    def __init__(self, rnn: torch.nn.LSTM, suffix: str, features: Tensor, hidden: Tensor, rows):
        turned = (lambda x: x.flip(0)) if suffix else (lambda x: x)  # "_reverse" runs through time reversed
        features, hidden = turned(features), turned(hidden)
        self.input_weight = getattr(rnn, f"weight_ih_l0{suffix}")
        hidden_before = torch.cat([torch.zeros_like(hidden[:1]), hidden[:-1]])
        bias = getattr(rnn, f"bias_ih_l0{suffix}") + getattr(rnn, f"bias_hh_l0{suffix}")
        self.from_before = hidden_before @ getattr(rnn, f"weight_hh_l0{suffix}").T + bias
        # nn.LSTM gives its hidden states only; its cell states follow from the gates, which those determine
        entering, forgetting, candidate, _ = self.gates(features)
        added = entering * candidate
        self.cell_before = torch.zeros_like(hidden)
        for t in range(len(hidden) - 1):
            self.cell_before[t + 1] = forgetting[t] * self.cell_before[t] + added[t]
        self.from_before, self.cell_before = turned(self.from_before)[rows], turned(self.cell_before)[rows]

    def gates(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Input gate, forget gate, cell candidate, output gate; each (n, hidden)."""
        i, f, c, o = (g @ self.input_weight.T + self.from_before).chunk(4, dim=-1)
        return i.sigmoid(), f.sigmoid(), c.tanh(), o.sigmoid()

    def step(self, g: Tensor) -> Tensor:
        """Features (n, C) of those frames -> hidden state after each (n, hidden)."""
        entering, forgetting, candidate, output = self.gates(g)
        return output * (forgetting * self.cell_before + entering * candidate).tanh()
