"""The CNN over a whole clip: its last feature maps and their spatial means, without gradients.

In float32 the bundle's ONNX graph runs (models/onnx_graph.py), where ONNX Runtime can on the device; else PyTorch with
BatchNorm folded into the convolutions, channels-last memory and batches that fit the cache. Both are exact;
benchmarks/features.py measures their speed.
"""

import copy
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ..progress import UNSEEN, Progress
from . import onnx_graph
from .acoustic import AcousticModel
from .device import in_parts

BATCH = 16


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """A copy of an eval-mode network in which each BatchNorm directly after a convolution is folded into it."""
    network = copy.deepcopy(network)
    for module in network.modules():
        children = list(module.named_children())
        for (first_name, first), (second_name, second) in zip(children, children[1:], strict=False):
            if (
                isinstance(first, nn.Conv2d)
                and isinstance(second, nn.BatchNorm2d)
                and first.out_channels == second.num_features
            ):
                setattr(module, first_name, fuse_conv_bn_eval(first, second))
                # timm's BatchNormAct2d carries its activation
                rest = [getattr(second, part) for part in ("drop", "act") if hasattr(second, part)]
                setattr(module, second_name, nn.Sequential(*rest).eval())
    return network


class FeatureExtractor:
    """Runs the CNN of an AcousticModel over clips. engine: "onnxruntime" or "torch"."""

    def __init__(
        self, model: AcousticModel, precision: torch.dtype = torch.float32, onnx: Path | None = None, size: int = 256
    ):
        """onnx: the model's graph for frames of size x size, if there is one.

        Raises InputError on a graph that is not this model's, RuntimeError if folding BatchNorm changed the output, as
        for a CNN whose layers do not run in the order listed.
        """
        self.device = next(model.parameters()).device
        session = onnx_graph.read_graph(onnx, model, size) if onnx and precision == torch.float32 else None
        self.engine = "onnxruntime" if session else "torch"
        self._maps = _graph_maps(session) if session else _torch_maps(model, precision)

    def __call__(self, chunks: Iterable[np.ndarray], count: int, progress: Progress = UNSEEN) -> Tensor:
        """Chunks of prepared frames, float32 (n, H, W), `count` in all -> spatial means of the CNN's last maps, float32
        (count, C)."""
        return self._collect(chunks, count, lambda maps: maps.mean(dim=(2, 3)), progress)

    def last_maps(self, chunks: Iterable[np.ndarray], count: int, progress: Progress = UNSEEN) -> Tensor:
        """The last maps, float32 (count, C, h, w); memory grows with the clip."""
        return self._collect(chunks, count, lambda maps: maps, progress)

    def _collect(
        self, chunks: Iterable[np.ndarray], count: int, kept: Callable[[Tensor], Tensor], progress: Progress
    ) -> Tensor:
        found, done = torch.empty(0), 0
        for chunk in chunks:
            # means of channels-last maps round differently
            new = torch.cat(in_parts(lambda part: kept(self._maps(part).float().contiguous()), chunk))
            if not done:  # allocated once: concatenating chunks would need the memory twice
                found = torch.empty(count, *new.shape[1:], device=self.device)
            found[done : done + len(chunk)] = new
            done += len(chunk)
            progress("frames", done, count)
        return found


def folded_cnn(model: AcousticModel) -> nn.Module:
    """The model's CNN with BatchNorm folded, channels-last. The modules are copies, which may be changed and hooked;
    their weights are shared by all callers. Cached until the model's weights change.

    Raises RuntimeError if folding changed the output.
    """
    weights = _fingerprint(model.cnn)
    known, folded = _FOLDED.get(model.cnn, ("", None))
    if folded is None or known != weights:
        folded = _fold_and_check(model)
        _FOLDED[model.cnn] = weights, folded
    return copy.deepcopy(folded, {id(t): t for t in (*folded.parameters(), *folded.buffers())})


_FOLDED: WeakKeyDictionary[nn.Module, tuple[str, nn.Module]] = WeakKeyDictionary()


def _fingerprint(network: nn.Module) -> str:
    """A fingerprint of a network's weights and their devices."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(str(tensor.device).encode())
        digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()


def _fold_and_check(model: AcousticModel) -> nn.Module:
    # In float64, as deep networks magnify the rounding of float32.
    plain = copy.deepcopy(model.cnn).double()
    folded = fold_batch_norm(plain)
    probe = torch.rand(1, 1, 64, 64, dtype=torch.float64, device=next(model.parameters()).device)
    with torch.inference_mode():
        if not torch.allclose(folded(probe)[-1], plain(probe)[-1], rtol=1e-6, atol=1e-9):
            raise RuntimeError("Folding BatchNorm changed what the CNN computes.")
    return folded.float().to(memory_format=torch.channels_last).requires_grad_(False)


def _torch_maps(model: AcousticModel, precision: torch.dtype) -> Callable[[np.ndarray], Tensor]:
    cnn, device, pool = folded_cnn(model), next(model.parameters()).device, model.config.input_pool

    def maps(chunk: np.ndarray) -> Tensor:
        # no_grad, not inference_mode: attribution differentiates what follows these features
        with torch.no_grad(), torch.autocast(device.type, precision, precision != torch.float32):
            frames = torch.from_numpy(chunk)[:, None].to(device, memory_format=torch.channels_last)
            return cnn(avg_pool2d(frames, pool))[-1]

    return maps


def _graph_maps(session: onnx_graph.Session) -> Callable[[np.ndarray], Tensor]:
    return lambda chunk: torch.from_numpy(session(chunk))
