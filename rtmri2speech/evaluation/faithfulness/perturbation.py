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
        self.method, self.cells, self.view = analysis.settings.method, analysis.settings.resolution or 0, analysis.view
        precision = choose_precision(analysis.settings.precision, bundle.device)
        self.extract = FeatureExtractor(bundle.acoustic, precision, bundle.onnx, self.size)
        if analysis.features is None:
            self.features = self.pooled(self.prepared(slice(k, k + BATCH)) for k in range(0, len(self), BATCH))
        else:
            self.features = torch.from_numpy(analysis.features).to(bundle.device)

    def __len__(self) -> int:
        return len(self.clip_frames)

    def prepared(self, frames: slice | np.ndarray) -> np.ndarray:
        """Whole prepared pictures of these frames, which occlusion acts on: (n, size, size)."""
        return prepare_frames(self.clip_frames[frames], self.size)

    def seen(self, pictures: np.ndarray) -> np.ndarray:
        """What the CNN sees of whole prepared pictures (n, size, size), occluded or not."""
        return self.view.seen(pictures)

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
            lambda: [self.seen(self.prepared(frames))],
            targets,
            dict.fromkeys(targets, "frame"),
            {name: slope[frames] for name, slope in slopes.items()},
            # Not folded: with shuffled weights BatchNorm can produce numbers of any size.
            cnn=copy.deepcopy(model.cnn),
            blurred=self.view.blurred,
        )
        maps = method_of(self.method).maps(inputs, UNSEEN)
        return {name: self.view.on_picture(cams) for name, cams in maps.items()}

    def pooled(self, chunks) -> torch.Tensor:
        """Chunks of whole prepared pictures (n, size, size) -> features (N, C)."""
        return torch.cat([self.extract([self.seen(chunk)], len(chunk)) for chunk in chunks])


class Perturbation:
    """Occludes parts of some frames by a heavy blur and measures the change of targets.

    frames: indices (n,). targets: name -> function of frame indices -> Target (it depends on the frame for a
    formant-tracking band). pictures, blurred: the whole pictures of these frames, (n, size, size).
    """

    def __init__(self, scene: ModelInput, frames: np.ndarray, targets: Mapping[str, TargetsAt]):
        self.scene, self.frames, self.targets = scene, frames, targets
        self.pictures = scene.prepared(frames)
        self.blurred = blurred(self.pictures)
        self._local: dict[bytes, Callable[[torch.Tensor], torch.Tensor]] = {}
        self.before = self._values(self.pictures, np.arange(len(frames)))

    def change(self, occluded: np.ndarray, rows: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Target name -> (k,): its value with the parts `occluded`, bool (k, size, size), blurred minus its value
        without. rows: indices into frames; default: all n."""
        rows = np.arange(len(self.frames)) if rows is None else rows
        values = self._values(np.where(occluded, self.blurred[rows], self.pictures[rows]), rows)
        return {name: after - self.before[name][rows] for name, after in values.items()}

    def _values(self, pictures: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            pooled = self.scene.pooled(pictures[k : k + BATCH] for k in range(0, len(pictures), BATCH))
            mel_db = self.scene.bundle.scaler.to_db(self._mel_of(rows)(pooled))
            here = self.frames[rows]
            return {name: target(here)(mel_db).double().cpu().numpy() for name, target in self.targets.items()}

    def _mel_of(self, rows: np.ndarray) -> Callable[[torch.Tensor], torch.Tensor]:
        """frame_local_mel of these rows; its states of the other frames are computed once."""
        key = rows.tobytes()
        if key not in self._local:
            self._local[key] = self.scene.bundle.acoustic.frame_local_mel(self.scene.features, self.frames[rows])
        return self._local[key]


def enlarged(masks: np.ndarray, size: int) -> np.ndarray:
    """Masks, bool (n, h, w), at the size of the model's picture: (n, size, size)."""
    if masks.shape[1:] == (size, size):
        return masks
    return np.stack([cv2.resize(m.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST) > 0 for m in masks])


def widened(masks: np.ndarray, share: float) -> np.ndarray:
    """Masks, bool (n, size, size), with a margin around them of this share of the picture's width."""
    margin = 2 * round(share * masks.shape[-1]) + 1
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (margin, margin))
    return np.stack([cv2.dilate(mask.astype(np.uint8), ellipse) > 0 for mask in masks])


def first_of(area: np.ndarray, order: np.ndarray, share: float) -> np.ndarray:
    """The share of each frame's area, bool (n, size, size), with the highest `order` (n, h, w), upsampled."""
    size, chosen = area.shape[1:], np.zeros(area.shape, bool)
    for picture, inside, values in zip(chosen, area, order, strict=True):
        places = np.flatnonzero(inside)
        count = round(share * len(places))
        if not count:
            continue
        values = cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR).ravel()[places]
        picture.ravel()[places[np.argpartition(-values, count - 1)[:count]]] = True
    return chosen


def edges_of(pictures: np.ndarray, cells: int) -> np.ndarray:
    """Mean magnitude of the gradient of pictures (n, size, size) in each of the cells: float32 (n, cells, cells)."""
    gradient = [np.hypot(cv2.Sobel(p, cv2.CV_32F, 1, 0), cv2.Sobel(p, cv2.CV_32F, 0, 1)) for p in pictures]
    return np.stack([cv2.resize(one, (cells, cells), interpolation=cv2.INTER_AREA) for one in gradient])


def centre_of(area: np.ndarray) -> np.ndarray:
    """Closeness to the centre of each frame's area, bool (n, size, size), for `first_of`: float32 (n, size, size)."""
    closeness = np.zeros(area.shape, np.float32)
    y, x = np.mgrid[: area.shape[1], : area.shape[2]].astype(np.float32)
    for out, inside in zip(closeness, area, strict=True):
        if inside.any():
            rows, columns = np.nonzero(inside)
            out[:] = -np.hypot(y - rows.mean(), x - columns.mean())
    return closeness
