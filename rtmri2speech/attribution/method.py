"""What an attribution method is: from the gradients of targets to a signed map of each frame."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from ..models.acoustic import AcousticModel
from ..progress import Progress
from ..speech.mel import Scaler
from .targets import Target


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a method may use, of T frames.

    model: in eval mode. cnn: the model's CNN as it is to be run; None: with BatchNorm folded. scaler: of its mel.
    size: pixels along a side of a prepared frame. cells: along a side of the maps. chunks: gives the prepared frames in
    chunks, float32 (n, size, size), anew at each call. features: (T, C), the spatial means of the CNN's last maps.
    last_maps: (T, C, h, w), for methods that need them, else None. targets: name -> Target; objectives: name -> "frame"
    or "sequence". gradients: name -> (T, C), the derivative of each target by the features.
    """

    model: AcousticModel
    scaler: Scaler
    size: int
    cells: int
    chunks: Callable[[], Iterable[np.ndarray]]
    features: Tensor
    targets: Mapping[str, Target]
    objectives: Mapping[str, str]
    gradients: Mapping[str, Tensor]
    last_maps: Tensor | None = None
    cnn: nn.Module | None = None


@dataclass(frozen=True)
class Method:
    """label: language -> what captions and the page call it. baseline: what the picture is compared with, "zero" or
    "blur". resolution: cells along a side where none is asked for; None: those of the CNN's last maps. resolutions:
    those it can give for a model and the size of its frames. maps: name of each target -> (T, cells, cells) float32,
    signed. needs_last_maps: whether Inputs has to hold them, which takes memory by the clip's length.
    """

    label: Mapping[str, str]
    baseline: str
    resolution: int | None
    resolutions: Callable[[AcousticModel, int], Iterable[int]]
    maps: Callable[[Inputs, Progress], dict[str, np.ndarray]]
    needs_last_maps: bool = False
