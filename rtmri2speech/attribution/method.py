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
    """What a method may use to explain n frames of a clip of T.

    model: in eval mode. cnn: the model's CNN as it is to be run; None: with BatchNorm folded. scaler: of its mel.
    size: pixels along a side of a prepared frame. cells: along a side of the maps. features: (T, C), the spatial means
    of the CNN's last maps. rows: (n,) the frames to explain. chunks: gives these, prepared, in chunks of float32
    (k, size, size), anew at each call. targets: name -> Target; objectives: name -> "frame" or "sequence". gradients:
    name -> (n, C), the derivative of each target by the features of these frames. last_maps: (n, C, h, w), for methods
    that need them, else None.
    """

    model: AcousticModel
    scaler: Scaler
    size: int
    cells: int
    features: Tensor
    rows: np.ndarray
    chunks: Callable[[], Iterable[np.ndarray]]
    targets: Mapping[str, Target]
    objectives: Mapping[str, str]
    gradients: Mapping[str, Tensor]
    last_maps: Tensor | None = None
    cnn: nn.Module | None = None


@dataclass(frozen=True)
class Method:
    """label: language -> what captions and the page call it. baseline: what the picture is compared with, "zero" or
    "blur". resolution: cells along a side where none is asked for; None: those of the CNN's last maps. resolutions:
    those it can give for a model and the size of its frames. maps: name of each target -> (n, cells, cells) float32,
    signed. needs_last_maps: whether Inputs has to hold them, which takes memory by the clip's length.
    """

    label: Mapping[str, str]
    baseline: str
    resolution: int | None
    resolutions: Callable[[AcousticModel, int], Iterable[int]]
    maps: Callable[[Inputs, Progress], dict[str, np.ndarray]]
    needs_last_maps: bool = False
