"""Perturbation: occlude parts of a clip's frames by a heavy blur, and measure targets in those frames."""

import copy
from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch

from ...analysis.result import Analysis
from ...attribution.grad_cam import gradients
from ...attribution.method import Inputs
from ...attribution.methods import method_of
from ...attribution.targets import Target
from ...clips.preprocessing import blurred, prepare_frames
from ...models.acoustic import AcousticModel
from ...models.bundle import Bundle
from ...models.features import BATCH, FeatureExtractor
from ...models.precision import choose_precision
from ...progress import UNSEEN

TargetsAt = Callable[[np.ndarray], Target]


class ModelInput:
    """A bundle's acoustic model with the frames of an analysis. features: (T, C)."""

    def __init__(self, bundle: Bundle, analysis: Analysis):
        self.bundle, self.size, self.clip_frames = bundle, analysis.frame_size, analysis.model_frames
        self.method, self.cells = analysis.settings.method, analysis.grid or 0
        precision = choose_precision(analysis.settings.precision, bundle.device)
        self.extract = FeatureExtractor(bundle.acoustic, precision, bundle.onnx, self.size)
        self.features = self.pooled(self.prepared(slice(k, k + BATCH)) for k in range(0, len(self), BATCH))

    def __len__(self) -> int:
        return len(self.clip_frames)

    def prepared(self, frames: slice | np.ndarray) -> np.ndarray:
        """Prepared frames for the CNN: (n, size, size)."""
        return prepare_frames(self.clip_frames[frames], self.size)

    def maps_of(
        self, model: AcousticModel, features: torch.Tensor, targets: Mapping[str, Target], frames: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Maps by the method of the analysis for another model with these features (T, C): name -> (n, h, w) of
        `frames`."""
        slopes = gradients(model, self.bundle.scaler, features, targets)
        inputs = Inputs(
            model,
            self.bundle.scaler,
            self.size,
            self.cells,
            features,
            frames,
            lambda: [self.prepared(frames)],
            targets,
            dict.fromkeys(targets, "frame"),
            {name: slope[frames] for name, slope in slopes.items()},
            # Not folded: with shuffled weights BatchNorm can produce numbers of any size.
            cnn=copy.deepcopy(model.cnn),
        )
        return method_of(self.method).maps(inputs, UNSEEN)

    def pooled(self, chunks) -> torch.Tensor:
        """Chunks of prepared frames (n, size, size) -> features (N, C)."""
        return torch.cat([self.extract([chunk], len(chunk)) for chunk in chunks])


class Perturbation:
    """Occludes parts of some frames by a heavy blur and measures the change of targets.

    frames: indices (n,). targets: name -> function of frame indices -> Target (it depends on the frame for a
    formant-tracking band). area: bool (n, h, w) of any size, in which shares are deleted and inserted.
    """

    def __init__(self, scene: ModelInput, frames: np.ndarray, targets: Mapping[str, TargetsAt], area: np.ndarray):
        self.scene, self.frames, self.targets = scene, frames, targets
        self.pictures = scene.prepared(frames)
        self.blurred = blurred(self.pictures)
        self.area = self.enlarged(area)
        self.before = self._values(self.pictures, np.arange(len(frames)))

    def change(self, hidden: np.ndarray, rows: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Target name -> (k,): its value with the parts `hidden`, bool (k, size, size), occluded minus its value
        without. rows: indices into frames; default: all n."""
        rows = np.arange(len(self.frames)) if rows is None else rows
        values = self._values(np.where(hidden, self.blurred[rows], self.pictures[rows]), rows)
        return {name: after - self.before[name][rows] for name, after in values.items()}

    def first(self, order: np.ndarray, share: float, rows: np.ndarray | None = None) -> np.ndarray:
        """The share of each frame's area with the highest `order` (k, h, w), upsampled: bool (k, size, size)."""
        areas = self.area if rows is None else self.area[rows]
        size, chosen = (self.scene.size, self.scene.size), np.zeros(areas.shape, bool)
        for picture, area, values in zip(chosen, areas, order, strict=True):
            inside = np.flatnonzero(area)
            values = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR).ravel()[inside]
            picture.ravel()[inside[np.argsort(-values, kind="stable")[: round(share * len(inside))]]] = True
        return chosen

    def enlarged(self, masks: np.ndarray) -> np.ndarray:
        """Masks, bool (n, h, w), at the size of the model's picture."""
        size = (self.scene.size, self.scene.size)
        if masks.shape[1:] == size:
            return masks
        return np.stack([cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for m in masks])

    def _values(self, pictures: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            pooled = self.scene.pooled(pictures[k : k + BATCH] for k in range(0, len(pictures), BATCH))
            mel_db = self.scene.bundle.scaler.to_db(self._mel_of(rows)(pooled))
            here = self.frames[rows]
            return {name: target(here)(mel_db).double().cpu().numpy() for name, target in self.targets.items()}

    def _mel_of(self, rows: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
        return self.scene.bundle.acoustic.frame_local_mel(self.scene.features, self.frames[rows])
