"""Layer attribution: maps of an earlier stage of the CNN, at a higher resolution, from the gradients of grad_cam.py.

The last maps have 8 x 8 cells; the stage before has 16 x 16, the one before that 32 x 32. With dE/dg known, one
vector-Jacobian product through the stages that follow gives the gradient of E at those maps A, and

    CAM = sum over channels of  dE/dA * A        (HiResCAM; R. Draelos and L. Carin, arXiv:2011.08891)

signed and in the target's unit. At the last maps this is Grad-CAM. It is exact for whole batches, since the CNN treats
frames independently. LayerCAM (P. Jiang et al., IEEE Trans. Image Processing 30, 2021) weights by the gradient's
positive part only, and so has no sign.

HiResCAM's baseline is zero: maps of zeros, which no picture has. The baseline of layer integrated gradients is the same
frame, heavily blurred, with its maps A0:

    CAM = sum over channels of  dE/dA at (A + A0) / 2  *  (A - A0)

the midpoint rule of integrated gradients (M. Sundararajan et al., ICML 2017) with a blurred baseline (S. Xu et al.,
"Attribution in Scale and Space", CVPR 2020) at this stage. It attributes E to shapes in the picture, not to its
brightness: a uniform picture has a map of zeros.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ..clips.preprocessing import blurred
from ..models.acoustic import AcousticModel
from ..models.device import in_parts
from ..models.features import folded_cnn
from ..models.timm_import import FeatureInfo
from ..progress import UNSEEN, Progress
from .method import Inputs, Method

BASELINES = ("zero", "blur")
BATCH = 16  # frames at once: all their activations are kept for the backward pass


def stages(model: AcousticModel, size: int) -> dict[int, str]:
    """Available resolutions for frames of size x size: cells along a side -> name of the CNN's module."""
    found = {}
    # In order from the input: the last stage of each resolution remains.
    for stage in cast(FeatureInfo, model.cnn.feature_info).info:
        name = stage["module"]
        known = dict(model.cnn.named_modules())
        name = name if name in known else name.replace(".", "_")
        found[size // (model.config.input_pool * stage["reduction"])] = name
    return dict(sorted(found.items()))


class LayerAttribution:
    """Attribution maps of cells x cells at one stage of a model's CNN, for frames of size x size.

    cells: one of stages(model, size). baseline: of BASELINES. cnn: the model's CNN to run; default: with BatchNorm
    folded. blurred: of the baseline.
    """

    def __init__(
        self,
        model: AcousticModel,
        size: int,
        cells: int,
        baseline: str = "zero",
        cnn: nn.Module | None = None,
        blurred: Callable[[np.ndarray], np.ndarray] = blurred,
    ):
        self.cells, self.baseline, self.blurred = cells, baseline, blurred
        self.cnn, self.pool = _quick_to_differentiate(cnn or folded_cnn(model)), model.config.input_pool
        self.stage = self.cnn.get_submodule(stages(model, size)[cells])
        self.device = next(model.parameters()).device

    def __call__(
        self, gradients: Mapping[str, Tensor], chunks: Iterable[np.ndarray], progress: Progress = UNSEEN
    ) -> dict[str, np.ndarray]:
        """Signed maps: target name -> (T, cells, cells) float32, computed in float32.

        gradients: dE/dg, name -> (T, C). chunks: the T prepared frames, float32 (n, size, size) each.
        """
        count, done = len(next(iter(gradients.values()), ())), 0
        cams = {name: np.empty((count, self.cells, self.cells), np.float32) for name in gradients}
        with _Cut(self.stage, halves=self.baseline == "blur") as cut:
            for chunk in chunks:
                for k in range(0, len(chunk), BATCH):
                    frames, first = chunk[k : k + BATCH], done

                    def maps_of(rows: np.ndarray, frames: np.ndarray = frames, first: int = first) -> None:
                        slopes = {name: dg[first + rows] for name, dg in gradients.items()}
                        for name, cam in self._of_batch(frames[rows], slopes, cut):
                            cams[name][first + rows] = cam

                    in_parts(maps_of, np.arange(len(frames)))
                    done += len(frames)
                    progress("attention", done, count)
        return cams

    def _of_batch(
        self, frames: np.ndarray, gradients: Mapping[str, Tensor], cut: "_Cut"
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yields name, (n, cells, cells) of n frames; their activations are freed before the next batch."""
        pooled, left = self._pooled(frames), len(gradients)
        for name, dg in gradients.items():
            left -= 1
            # The gradient of a sum: with grad_outputs, PyTorch would import its symbolic algebra, 40 MB.
            (slope,) = torch.autograd.grad((pooled * dg).sum(), cut.maps, retain_graph=left > 0)
            yield name, (slope * cut.counted).sum(dim=1).cpu().numpy()

    def _pooled(self, frames: np.ndarray) -> Tensor:
        """(n, size, size) -> features (n, C), with a graph that begins at the cut."""
        shown = np.concatenate([frames, self.blurred(frames)]) if self.baseline == "blur" else frames
        tensor = torch.from_numpy(shown)[:, None].to(self.device, memory_format=torch.channels_last)
        return self.cnn(avg_pool2d(tensor, self.pool))[-1].mean(dim=(2, 3))


def _method(label: Mapping[str, str], baseline: str) -> Method:
    def maps(inputs: Inputs, progress: Progress = UNSEEN) -> dict[str, np.ndarray]:
        layer = LayerAttribution(inputs.model, inputs.size, inputs.cells, baseline, inputs.cnn, inputs.blurred)
        return layer(inputs.gradients, inputs.chunks(), progress)

    return Method(label, baseline, 32, stages, maps)


HIRESCAM = _method({"en": "HiResCAM", "ja": "HiResCAM"}, "zero")
LAYER_IG = _method({"en": "layer integrated gradients", "ja": "層ごとの積分勾配（layer integrated gradients）"}, "blur")


class _Cut:
    """While it is open, gradients begin at a module's output: nothing before it is differentiated.

    maps: that output. counted: the factor of the gradient, the maps themselves. halves: the second half of each batch
    is the baseline of the first: maps are the midpoint, counted is the difference.
    """

    def __init__(self, module: nn.Module, halves: bool):
        self.module, self.halves = module, halves
        self.maps = self.counted = torch.empty(0)

    def __enter__(self) -> "_Cut":
        def cut(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            self.maps = self.counted = output.detach()
            if self.halves:
                own, other = self.maps.chunk(2)
                self.maps, self.counted = (own + other) / 2, own - other
            self.maps = self.maps.clone().requires_grad_(True)
            return self.maps.clone()  # the next layer may work in place

        self.handle = self.module.register_forward_hook(cut)
        return self

    def __exit__(self, *error) -> None:
        self.handle.remove()


def _quick_to_differentiate(network: nn.Module) -> nn.Module:
    """The network, in place, with depthwise convolutions of stride 1 replaced by ones with a faster backward pass."""
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
    """Its gradient is a depthwise convolution with the flipped kernel, as fast as the forward pass."""

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
