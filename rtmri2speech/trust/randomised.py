"""The maps of a model whose weights were shuffled, beside its own (J. Adebayo et al., NeurIPS 2018)."""

import copy
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from ..attention import gradients
from ..finer import finer_cams
from ..models.acoustic import AcousticModel
from ..models.features import FeatureExtractor
from .card import RANDOMISED
from .hiding import Hiding
from .ranks import rank_correlation

DRAWS = 3
_MOST_FRAMES = 8


def likeness_with_random_weights(
    hiding: Hiding, cam: np.ndarray, seed: int, told: Callable[[], None]
) -> dict[str, dict[str, float]]:
    """Of RANDOMISED, one after the other -> {"signed", "absolute"}: mean rank correlation over frames and draws.

    cam: signed (n, h, w) of the hiding's frames. told: called after each of DRAWS * len(RANDOMISED) models.
    """
    scene, rows = hiding.scene, np.unique(np.linspace(0, len(cam) - 1, _MOST_FRAMES).round().astype(int))
    frames, own = hiding.frames[rows], cam[rows]
    pictures = scene.prepared(frames)
    found: dict = {name: {"signed": [], "absolute": []} for name in RANDOMISED}
    for draw in range(DRAWS):
        for name, model in shuffled(scene.bundle.acoustic, seed + draw):
            features = scene.features
            if name == "CNN":
                features = features.clone()
                _, features[frames] = FeatureExtractor(model)([pictures], len(frames))
            slopes = gradients(model, scene.bundle.scaler, features, {"": hiding.target})[""][frames]
            other = finer_cams(model, {"": slopes}, [pictures], scene.size, cam.shape[-1])[""]
            for kind, one, two in (("signed", own, other), ("absolute", np.abs(own), np.abs(other))):
                alike = [rank_correlation(a, b) or 0.0 for a, b in zip(one, two, strict=True)]
                found[name][kind].append(np.mean(alike))
            told()
    return {name: {kind: float(np.mean(values)) for kind, values in kinds.items()} for name, kinds in found.items()}


def shuffled(model: AcousticModel, seed: int) -> Iterator[tuple[str, AcousticModel]]:
    """The model with its weights shuffled within each tensor, from the output backwards: RANDOMISED, adding up.

    Shuffled weights keep their scale, on which BatchNorm's statistics rest; weights drawn anew would not.
    """
    model, random = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    convolutions = [module for module in model.cnn.modules() if isinstance(module, nn.Conv2d)]
    parts: list[list[nn.Module]] = [[model.head], [model.rnn], [*convolutions]]
    for name, modules in zip(RANDOMISED, parts, strict=True):
        for weight in (weight for module in modules for weight in module.parameters()):
            order = torch.randperm(weight.numel(), generator=random).to(weight.device)
            weight.data.copy_(weight.data.flatten()[order].view_as(weight))
        yield name, model
