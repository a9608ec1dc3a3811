"""Maps of an earlier stage of the CNN, whose cells are finer, out of the gradients that attention.py finds.

The last maps have 8 x 8 cells; the stage before has 16 x 16, the one before that 32 x 32. With dE/dg known, one
vector-Jacobian product through the stages that follow gives the gradient of E at the finer maps A, and

    CAM = sum over channels of  dE/dA * A        (HiResCAM; R. Draelos and L. Carin, arXiv:2011.08891)

signed, in the target's own unit, as at the last maps, where it is Grad-CAM. It is exact for whole batches of frames:
in the CNN they do not depend on each other. LayerCAM (P. Jiang et al., IEEE Trans. Image Processing 30, 2021) weighs
by the gradient's positive part only, and so has no sign.
"""

from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np
import torch
from timm.models import FeatureInfo
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from .errors import InputError
from .models.acoustic import AcousticModel
from .models.features import folded_cnn
from .progress import UNSEEN, Progress

BATCH = 16  # frames at once: their activations are all kept for the way back


def stages(model: AcousticModel, size: int) -> dict[int, str]:
    """The grids that maps of frames of size x size can have: cells along a side -> the CNN's module that makes them."""
    found = {}
    # From the input on: of several with one grid, the last remains.
    for stage in cast(FeatureInfo, model.cnn.feature_info).info:
        name = stage["module"]
        known = dict(model.cnn.named_modules())
        name = name if name in known else name.replace(".", "_")
        found[size // (model.config.input_pool * stage["reduction"])] = name
    return dict(sorted(found.items()))


def finer_cams(
    model: AcousticModel,
    gradients: Mapping[str, Tensor],
    chunks: Iterable[np.ndarray],
    size: int,
    grid: int,
    progress: Progress = UNSEEN,
) -> dict[str, np.ndarray]:
    """Signed maps of targets at a stage with grid x grid cells: name -> (T, grid, grid) float32, computed in float32.

    gradients: dE/dg, name -> (T, C). chunks: the T prepared frames, float32 (n, size, size) each.
    Raises InputError if the CNN has no such stage.
    """
    known = stages(model, size)
    if grid not in known:
        raise InputError(
            "This bundle's maps have {known} cells along a side, not {given}.",
            known=", ".join(map(str, known)),
            given=grid,
        )
    cnn, pool = _quick_to_differentiate(folded_cnn(model)), model.config.input_pool
    device = next(model.parameters()).device
    count = len(next(iter(gradients.values()), ()))
    cams = {name: np.empty((count, grid, grid), np.float32) for name in gradients}
    done = 0
    with _Cut(cnn.get_submodule(known[grid])) as cut:
        for chunk in chunks:
            for k in range(0, len(chunk), BATCH):
                frames = torch.from_numpy(chunk[k : k + BATCH])[:, None]
                frames = avg_pool2d(frames.to(device, memory_format=torch.channels_last), pool)
                pooled = cnn(frames)[-1].mean(dim=(2, 3))
                rows = slice(done, done + len(frames))
                for name, dg in gradients.items():
                    (at_maps,) = torch.autograd.grad(pooled, cut.maps, dg[rows], retain_graph=True)
                    cams[name][rows] = (at_maps * cut.maps.detach()).sum(dim=1).cpu().numpy()
                done += len(frames)
                progress("attention", done, count)
    return cams


class _Cut:
    """While it is open, what a module puts out is where gradients begin: nothing before it is differentiated."""

    def __init__(self, module: nn.Module):
        self.module = module
        self.maps = torch.empty(0)

    def __enter__(self) -> "_Cut":
        def cut(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            self.maps = output.detach().requires_grad_(True)
            return self.maps.clone()  # the next layer may work in place

        self.handle = self.module.register_forward_hook(cut)
        return self

    def __exit__(self, *error) -> None:
        self.handle.remove()


def _quick_to_differentiate(network: nn.Module) -> nn.Module:
    """The network with its depthwise convolutions of stride 1 replaced by ones that PyTorch differentiates faster."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and 1 < child.groups == child.in_channels == child.out_channels:
                if child.stride == (1, 1) and child.padding_mode == "zeros" and not isinstance(child.padding, str):
                    setattr(parent, name, _Depthwise(child))
    return network


class _Depthwise(nn.Module):
    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        return _DepthwiseFunction.apply(x, conv.weight, conv.bias, conv.padding, conv.dilation)


class _DepthwiseFunction(torch.autograd.Function):
    """Its gradient is a depthwise convolution, too, with the kernel turned around: as quick as the way forward."""

    @staticmethod
    def forward(ctx, x, weight, bias, padding, dilation):
        ctx.save_for_backward(weight)
        ctx.dilation = dilation
        ctx.padding = [d * (k - 1) - p for d, k, p in zip(dilation, weight.shape[2:], padding, strict=True)]
        return torch.conv2d(x, weight, bias, 1, padding, dilation, len(weight))

    @staticmethod
    def backward(ctx, slope):
        (weight,) = ctx.saved_tensors
        turned = weight.flip(2, 3)
        return torch.conv2d(slope, turned, None, 1, ctx.padding, ctx.dilation, len(weight)), None, None, None, None
