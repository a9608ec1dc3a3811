"""Grad-CAM of a target of the mel, such as the energy in a formant band, exact and without a gradient through the CNN.

Grad-CAM (Selvaraju et al., ICCV 2017) weights the last feature maps A by the gradient of a target E. Here global
average pooling g = mean(A) follows the maps, so that gradient is the same at every position, and

    CAM_t = (1 / (h w)) * sum over channels c of  dE/dg[t, c] * A[t, c]

which also equals HiResCAM (Draelos and Carin, 2020). A and g come from one pass without gradients; only the BiLSTM and
the output layer are differentiated.

Two objectives:
    frame      E_t is the target's value in frame t itself. Its derivative with respect to frame t's own features is
               local: with the recurrent states before t (forward) and after t (backward) held fixed, one step of each
               direction, batched over all t, gives it exactly.
    sequence   E is the mean over time; one backward pass through the whole BiLSTM.

finer.py makes maps of finer stages of the CNN out of the same gradients dE/dg.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from .errors import InputError
from .models.acoustic import AcousticModel
from .speech.mel import Scaler
from .targets import Target

OBJECTIVES = ("frame", "sequence")


def gradients(
    model: AcousticModel, scaler: Scaler, features: Tensor, targets: Mapping[str, Target], objective: str = "frame"
) -> dict[str, Tensor]:
    """dE/dg of each target: name -> (T, C).

    model: in eval mode. features g: (T, C), the spatial mean of the CNN's last maps.
    """
    if objective not in OBJECTIVES:
        raise InputError("The objective is {known}, not {given!r}.", known=" or ".join(OBJECTIVES), given=objective)
    mel_of = own_frame_mel(model, features) if objective == "frame" else _whole_sequence_mel(model)
    found = {}
    for name, target in targets.items():
        g = features.detach().clone().requires_grad_(True)
        values = target(scaler.to_db(mel_of(g)))
        # In "frame" each value depends on its own row of g alone: the gradient of the sum holds them all.
        (found[name],) = torch.autograd.grad(values.sum() if objective == "frame" else values.mean(), g)
    return found


def last_cams(gradients: Mapping[str, Tensor], maps: Tensor) -> dict[str, np.ndarray]:
    """Signed Grad-CAM at the CNN's last maps (T, C, h, w), of targets with these gradients: name -> (T, h, w)."""
    cells = maps[0, 0].numel()
    return {
        name: (torch.einsum("tc,tchw->thw", dg, maps) / cells).float().cpu().numpy() for name, dg in gradients.items()
    }


def _whole_sequence_mel(model: AcousticModel) -> Callable[[Tensor], Tensor]:
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


def clip_scale(cam: np.ndarray, speech: np.ndarray | None = None, percentile: float = 99) -> float:
    """What is shown as 1 of the positive part of cam (T, ...): its percentile in the frames `speech`.

    speech: indices; None or none at all: every frame. At least a quarter of the same percentile regardless of sign:
    where nearly all evidence is negative, the little that is positive stays cold.
    """
    heard = cam if speech is None or not len(speech) else cam[speech]
    positive, either = (
        float(np.percentile(of(heard), percentile, overwrite_input=True))  # of a copy that is made for it
        for of in (lambda cam: np.maximum(cam, 0), np.abs)
    )
    return max(positive, either / 4)


def display_grid(cam: np.ndarray, normalize: str, speech: np.ndarray | None = None) -> np.ndarray:
    """Signed CAM (T, h, w) -> (T, h, w) float32 in [0, 1] for display: the positive part.

    normalize "clip": one scale for the whole clip (clip_scale of its `speech`), so that a weak frame looks weak.
    "frame": each frame by its own minimum and maximum, as in the thesis.
    """
    positive = np.maximum(cam, 0)
    if normalize == "clip":
        scale = clip_scale(cam, speech)
        return np.clip(positive / scale, 0, 1) if scale > 0 else np.zeros_like(positive)
    if normalize == "frame":
        low = positive.min(axis=(1, 2), keepdims=True)
        span = positive.max(axis=(1, 2), keepdims=True) - low
        return np.divide(positive - low, span, out=np.zeros_like(positive), where=span > 0)
    raise InputError("Heatmaps are normalised by clip or frame, not {given!r}.", given=normalize)


def signed_grid(cam: np.ndarray, normalize: str, speech: np.ndarray | None = None) -> np.ndarray:
    """The same with both signs, in [-1, 1], by the size of what is for and against; "frame": of each frame's own."""
    size = np.abs(cam)
    if normalize == "clip":
        return np.clip(cam / (clip_scale(size, speech) or 1), -1, 1).astype(np.float32)
    most = size.max(axis=(1, 2), keepdims=True)
    return np.divide(cam, most, out=np.zeros_like(cam), where=most > 0)
