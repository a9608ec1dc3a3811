"""Domain adaptation to an unseen scanner, without sound: BatchNorm statistics of the CNN, recomputed from new clips.

    adapted, record = adapt(bundle, [read_clip("new.mp4")])

BatchNorm normalises every channel by its mean and deviation over the training pictures, which another scanner shifts.
Recomputing them changes no weight and trains nothing (Li et al., "Adaptive Batch Normalization for practical domain
adaptation", Pattern Recognition 80, 2018; Schneider et al., "Improving robustness against common corruptions by
covariate shift adaptation", NeurIPS 2020).
"""

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from ..clips import frame_rate
from ..clips.clip import Clip
from ..errors import InputError
from ..models.bundle import DEFAULT_FOLDER, Bundle
from ..models.features import BATCH
from ..progress import UNSEEN, Progress
from .pipeline import view_of

FEWEST_FRAMES = 2 * BATCH


@dataclass(frozen=True)
class Adaptation:
    """The record of an adaptation. clips: their names. frames: number used, at the model's rate. layers: number of
    BatchNorm layers.

    mean_shift: shift of the layers' means in old deviations (root mean square over all channels). spread: new over old
    deviation (geometric mean). share: weight of the new statistics in the adapted ones.
    """

    clips: tuple[str, ...]
    frames: int
    layers: int
    mean_shift: float
    spread: float
    share: float

    to_json = asdict


def adapt(
    bundle: Bundle, clips: Sequence[Clip], share: float = 1.0, progress: Progress = UNSEEN
) -> tuple[Bundle, Adaptation]:
    """A new bundle adapted to these clips, and the record; the given bundle is unchanged.

    share: weight of the clips' statistics, above 0 to 1; the rest is the training's. Raises InputError if the CNN has
    no BatchNorm or the clips are too short together.
    """
    if not 0 < share <= 1:
        raise InputError("The share of new statistics is above 0 and at most 1, not {share:g}.", share=share)
    cnn = copy.deepcopy(bundle.acoustic.cnn)
    layers = [m for m in cnn.modules() if isinstance(m, nn.BatchNorm2d) and m.track_running_stats]
    if not layers:
        raise InputError("The CNN {name} has no BatchNorm to be fitted.", name=bundle.acoustic.config.cnn)
    frames = [frame_rate.retime(clip, bundle.fps) for clip in clips]
    batches = [(some, view) for one in frames for view in [view_of(bundle, one)] for some in _batches(one)]
    count = sum(len(some) for some, _ in batches)
    if count < FEWEST_FRAMES:
        raise InputError(
            "The clips have {count} frames together: {fewest} or more are needed to fit a bundle.",
            count=count,
            fewest=FEWEST_FRAMES,
        )
    before = [tuple(statistic.clone() for statistic in _statistics(layer)) for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean over the batches
        layer.train()
    with torch.no_grad():
        for k, (some, view) in enumerate(batches):
            pictures = torch.from_numpy(view.prepare(some, bundle.frames.size))[:, None].to(bundle.device)
            cnn(avg_pool2d(pictures, bundle.acoustic.config.input_pool))
            progress("frames", k + 1, len(batches))
    moved, spread = [], []
    for layer, (mean, variance) in zip(layers, before, strict=True):
        deviation = (variance + layer.eps).sqrt()
        fitted_mean, fitted_variance = _statistics(layer)
        fitted_mean.lerp_(mean, 1 - share)
        fitted_variance.lerp_(variance, 1 - share)
        moved.append((fitted_mean - mean) / deviation)
        spread.append(((fitted_variance + layer.eps) / (variance + layer.eps)).log() / 2)
    record = Adaptation(
        clips=tuple(clip.source for clip in clips),
        frames=count,
        layers=len(layers),
        mean_shift=float(torch.cat(moved).square().mean().sqrt()),
        spread=float(torch.cat(spread).mean().exp()),
        share=share,
    )
    return _fitted(bundle, cnn, record), record


def _batches(frames: np.ndarray) -> list[np.ndarray]:
    """A clip's frames in batches of about BATCH, each spread over its length."""
    parts = max(1, len(frames) // BATCH)
    return [frames[k::parts] for k in range(parts)]


def _statistics(layer: nn.BatchNorm2d) -> tuple[torch.Tensor, torch.Tensor]:
    """The buffers of a layer's running mean and variance."""
    assert layer.running_mean is not None and layer.running_var is not None  # it tracks them
    return layer.running_mean, layer.running_var


def _fitted(bundle: Bundle, cnn: nn.Module, record: Adaptation) -> Bundle:
    acoustic = copy.deepcopy(bundle.acoustic)
    acoustic.cnn.load_state_dict(cnn.state_dict())
    names = [source.replace("\\", "/").rsplit("/", 1)[-1] for source in record.clips]
    origin = {"from": bundle.name, "from_sha256": bundle.sha256}
    if bundle.folder and bundle.folder.resolve() != DEFAULT_FOLDER.resolve():
        origin["from_folder"] = bundle.folder.name
    training = bundle.training | {"adapted": record.to_json() | {"clips": names} | origin}
    return replace(bundle, name=f"{bundle.name}, fitted", acoustic=acoustic, training=training, folder=None, sha256={})
