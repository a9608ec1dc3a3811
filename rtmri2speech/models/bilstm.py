"""The thesis' temporal model: a BiLSTM whose directions are summed, with exact gradients for attribution."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..progress import UNSEEN, Progress
from .temporal_model import TemporalModel


class BiLSTM(nn.LSTM, TemporalModel):
    """One layer, both directions summed: (B, T, C) -> (B, T, H). Its weights have the names of nn.LSTM's."""

    def __init__(self, channels: int, hidden: int):
        super().__init__(channels, hidden, batch_first=True, bidirectional=True)

    def states(self, features: Tensor) -> Tensor:
        forward, backward = self(features)[0].chunk(2, dim=-1)
        return forward + backward

    def frame_local_states(self, features: Tensor, frames: Tensor) -> Callable[[Tensor], Tensor]:
        """One step of each direction, batched over all frames, from the fixed recurrent states before each frame
        (forward) and after it (backward)."""
        with torch.no_grad():
            forward, backward = self._directions(features, frames)
        return lambda own: forward.step(own) + backward.step(own)

    def contributions(self, features: Tensor, slope: Tensor, progress: Progress = UNSEEN) -> Tensor:
        """All pairs at once: the adjoints of all T frames step back together, one lag at a time, at the width of the
        LSTM."""
        with torch.no_grad():
            directions = self._directions(features, slice(None))
        found = torch.zeros(len(features), len(features), device=features.device)
        for number, (suffix, direction) in enumerate(zip(("", "_reverse"), directions, strict=True)):
            part = progress.part(None, number / 2, (number + 1) / 2)
            recurrent = getattr(self, f"weight_hh_l0{suffix}")
            found += _of_direction(direction, recurrent, features, slope, suffix, part)
        return found

    def _directions(self, features: Tensor, rows: Tensor | slice) -> "list[Direction]":
        hidden = self(features[None])[0][0].chunk(2, dim=-1)
        return [
            Direction(self, suffix, features, states, rows)
            for suffix, states in zip(("", "_reverse"), hidden, strict=True)
        ]


class Direction:
    """One direction of an LSTM with fixed states before the frames `rows`. features, hidden: (T, ...).

    suffix: "" or "_reverse", as in the names of nn.LSTM's weights.
    """

    def __init__(self, rnn: torch.nn.LSTM, suffix: str, features: Tensor, hidden: Tensor, rows):
        turned = (lambda x: x.flip(0)) if suffix else (lambda x: x)  # "_reverse" runs through time reversed
        features, hidden = turned(features), turned(hidden)
        self.input_weight = getattr(rnn, f"weight_ih_l0{suffix}")
        hidden_before = torch.cat([torch.zeros_like(hidden[:1]), hidden[:-1]])
        bias = getattr(rnn, f"bias_ih_l0{suffix}") + getattr(rnn, f"bias_hh_l0{suffix}")
        self.from_before = hidden_before @ getattr(rnn, f"weight_hh_l0{suffix}").T + bias
        # nn.LSTM returns hidden states only; they determine the gates, and the gates the cell states
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
        """Features (n, C) of the frames -> their hidden states (n, hidden)."""
        entering, forgetting, candidate, output = self.gates(g)
        return output * (forgetting * self.cell_before + entering * candidate).tanh()


def _of_direction(
    direction: Direction, recurrent: Tensor, features: Tensor, slope: Tensor, suffix: str, progress: Progress
) -> Tensor:
    """Contributions (T, T). slope: (T, H), derivative of each frame's target by its own hidden state."""
    turned = (lambda x: x.flip(0)) if suffix else (lambda x: x)
    with torch.no_grad():
        entering, forgetting, candidate, output = (turned(gate) for gate in direction.gates(features))
        before, given = turned(direction.cell_before), turned(features) @ direction.input_weight.T
        shown = (forgetting * before + entering * candidate).tanh()
        count = len(features)
        found = torch.zeros(count, count, device=features.device)
        to_hidden, to_cell = turned(slope), torch.zeros_like(slope)
        for lag in range(count):  # from every frame t to the frame t - lag
            here = slice(0, count - lag)
            i, f, g, o, c = (x[here] for x in (entering, forgetting, candidate, output, shown))
            to_cell = to_cell + to_hidden * o * (1 - c**2)
            gates = (
                to_cell * g * i * (1 - i),
                to_cell * before[here] * f * (1 - f),
                to_cell * i * (1 - g**2),
                to_hidden * c * o * (1 - o),
            )
            to_gates = torch.cat(gates, dim=1)
            values = (to_gates * given[here]).sum(dim=1)
            found.diagonal(-lag).copy_(values)
            to_hidden, to_cell = (to_gates @ recurrent)[1:], (to_cell * f)[1:]
            progress("attention", lag + 1, count)
        return found.flip(0, 1) if suffix else found
