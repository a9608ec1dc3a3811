"""Model randomisation test: a model's maps against those with shuffled weights (J. Adebayo et al., NeurIPS 2018)."""

import copy
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch

from ...models.acoustic import AcousticModel
from .perturbation import Perturbation
from .rank_correlation import rank_correlation
from .report import RANDOMISED

DRAWS = 3
_MOST_FRAMES = 8


def correlation_with_random_weights(
    perturbation: Perturbation,
    rows: Mapping[str, np.ndarray],
    cams: Mapping[str, np.ndarray],
    seed: int,
    advance: Callable[[], object],
) -> dict[str, dict[str, dict[str, float]]]:
    """Band -> part of RANDOMISED -> {"signed", "absolute"}: mean rank correlation over a few frames and DRAWS, of the
    cells that the model sees.

    rows: band -> indices into perturbation.frames of the frames tested. cams: their signed (k, h, w) maps. advance:
    called after each of DRAWS * len(RANDOMISED) models.
    """
    scene = perturbation.scene
    chosen_maps = {name: _some(perturbation.frames[rows[name]], cam) for name, cam in cams.items()}
    frames = np.unique(np.concatenate([chosen for chosen, _ in chosen_maps.values()]))
    pictures = scene.seen(scene.prepared(frames))
    targets = {name: perturbation.targets[name](np.arange(len(scene))) for name in chosen_maps}
    correlations: dict = {name: {part: {"signed": [], "absolute": []} for part in RANDOMISED} for name in chosen_maps}
    for draw in range(DRAWS):
        for part, model in randomised_models(scene.bundle.acoustic, seed + draw):
            features = scene.features
            if part == "CNN":
                features = features.clone()
                features[frames] = _features(model, pictures)
            made = scene.maps_of(model, features, targets, frames)
            for name, (chosen, maps) in chosen_maps.items():
                seen = scene.view.cells_seen(maps.shape[-1])
                maps, others = maps[:, seen], made[name][np.searchsorted(frames, chosen)][:, seen]
                for kind, one, two in (("signed", maps, others), ("absolute", np.abs(maps), np.abs(others))):
                    alike = [rank_correlation(a, b) or 0.0 for a, b in zip(one, two, strict=True)]
                    correlations[name][part][kind].append(np.mean(alike))
            advance()
    return {
        name: {part: {kind: float(np.mean(drawn)) for kind, drawn in kinds.items()} for part, kinds in parts.items()}
        for name, parts in correlations.items()
    }


def _some(frames: np.ndarray, cam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A few of the frames, evenly spread, and their maps."""
    rows = np.unique(np.linspace(0, len(frames) - 1, _MOST_FRAMES).round().astype(int))
    return frames[rows], cam[rows]


def _features(model: AcousticModel, pictures: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        shown = torch.from_numpy(pictures)[:, None].to(next(model.parameters()).device)
        return model.feature_maps(shown).mean(dim=(2, 3))


def randomised_models(model: AcousticModel, seed: int) -> Iterator[tuple[str, AcousticModel]]:
    """Yields (part, model) with weights shuffled within each tensor, cascading from the output: RANDOMISED.

    BatchNorm's weights count as the CNN's. Shuffling keeps the scale of weights, on which BatchNorm's statistics rest;
    drawing them anew would not.
    """
    model, random = copy.deepcopy(model), torch.Generator().manual_seed(seed)
    for name, part in zip(RANDOMISED, (model.head, model.rnn, model.cnn), strict=True):
        for weight in part.parameters():
            order = torch.randperm(weight.numel(), generator=random).to(weight.device)
            weight.data.copy_(weight.data.flatten()[order].view_as(weight))
        yield name, model
