"""Parts of a clip's frames hidden from its model, and what that does to a target in the frame itself."""

import cv2
import numpy as np
import torch

from ..analysis import Analysis
from ..attention import own_frame_mel
from ..frames import prepare_frames
from ..models.bundle import Bundle
from ..models.features import BATCH, FeatureExtractor
from ..precision import choose_precision
from ..targets import Target

_BLUR_SHARE = 0.08  # of the picture's width: nothing of a region's shape is left


class Scene:
    """A bundle's acoustic model before the frames of an analysis. features: (T, C)."""

    def __init__(self, bundle: Bundle, analysis: Analysis):
        self.bundle, self.size, self.clip_frames = bundle, analysis.frame_size, analysis.model_frames
        precision = choose_precision(analysis.precision, bundle.device)
        self.extract = FeatureExtractor(bundle.acoustic, precision, bundle.onnx, self.size)
        self.features = self.pooled(self.prepared(slice(k, k + BATCH)) for k in range(0, len(self), BATCH))

    def __len__(self) -> int:
        return len(self.clip_frames)

    def prepared(self, frames: slice | np.ndarray) -> np.ndarray:
        """Some frames as the CNN takes them: (n, size, size)."""
        return prepare_frames(self.clip_frames[frames], self.size)

    def pooled(self, chunks) -> torch.Tensor:
        """Prepared frames in chunks (n, size, size) -> features (N, C)."""
        return torch.cat([self.extract([chunk], len(chunk))[1] for chunk in chunks])


class Hiding:
    """Some frames of a scene, parts of which are blurred beyond recognition.

    frames: their indices. area: bool (n, h, w) of any size: where hottest and coldest places are looked for.
    """

    def __init__(self, scene: Scene, frames: np.ndarray, target: Target, area: np.ndarray):
        self.scene, self.frames, self.target = scene, frames, target
        self.pictures = scene.prepared(frames)
        deviation = _BLUR_SHARE * scene.size
        self.blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), deviation) for picture in self.pictures])
        self.area = self.enlarged(area)
        self.mel = own_frame_mel(scene.bundle.acoustic, scene.features, frames)
        self.before = self._value(self.pictures)

    def change(self, hidden: np.ndarray) -> np.ndarray:
        """(n,): the target with these parts hidden, bool (n, size, size), less the target as it is."""
        return self._value(np.where(hidden, self.blurred, self.pictures)) - self.before

    def first(self, order: np.ndarray, share: float) -> np.ndarray:
        """That share of each frame's area where `order` (n, h, w), enlarged, is highest: bool (n, size, size)."""
        size, chosen = (self.scene.size, self.scene.size), np.zeros(self.area.shape, bool)
        for picture, area, values in zip(chosen, self.area, order, strict=True):
            inside = np.flatnonzero(area)
            values = cv2.resize(values, size, interpolation=cv2.INTER_LINEAR).ravel()[inside]
            picture.ravel()[inside[np.argsort(-values, kind="stable")[: round(share * len(inside))]]] = True
        return chosen

    def enlarged(self, masks: np.ndarray) -> np.ndarray:
        """bool (n, h, w) at the size of the model's picture."""
        size = (self.scene.size, self.scene.size)
        if masks.shape[1:] == size:
            return masks
        return np.stack([cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0 for m in masks])

    def _value(self, pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            pooled = self.scene.pooled(pictures[k : k + BATCH] for k in range(0, len(pictures), BATCH))
            return self.target(self.scene.bundle.scaler.to_db(self.mel(pooled))).double().cpu().numpy()
