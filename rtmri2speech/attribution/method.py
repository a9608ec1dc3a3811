"""The interface of attribution methods: from the gradients of targets to signed maps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from ..clips.preprocessing import blurred
from ..models.acoustic import AcousticModel
from ..progress import Progress
from ..speech.mel import Scaler
from .targets import Target


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a method that explains n frames of a clip of T.

    model: in eval mode. cnn: the model's CNN to run; None: with BatchNorm folded. scaler: of the model's mel. size:
    pixels along a side of a prepared frame. cells: along a side of the maps. features: (T, C), spatial means of the
    CNN's last maps. rows: (n,) indices of the frames to explain. chunks: each call yields these frames, prepared, as
    float32 (k, size, size). targets: name -> Target; objectives: name -> "frame" or "sequence". gradients: name ->
    (n, C), the derivative of each target by the features. last_maps: (n, C, h, w), None unless the method needs them.
    blurred: prepared frames -> the same, heavily blurred, for a baseline.
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
    blurred: Callable[[np.ndarray], np.ndarray] = blurred


@dataclass(frozen=True)
class Method:
    """label: language -> its name in captions and on the page. baseline: "zero" or "blur". resolution: default cells
    along a side; None: those of the CNN's last maps. resolutions: (model, frame size) -> available resolutions. maps:
    target name -> signed (n, cells, cells) float32. needs_last_maps: whether Inputs must hold last_maps, whose memory
    grows with the clip.
    """

    label: Mapping[str, str]
    baseline: str
    resolution: int | None
    resolutions: Callable[[AcousticModel, int], Iterable[int]]
    maps: Callable[[Inputs, Progress], dict[str, np.ndarray]]
    needs_last_maps: bool = False
