"""Temporal attribution: how much each frame of the clip contributes to each frame's sound.

    temporal = temporal_attribution(bundle, read_clip("clip.mp4"), F2)
    temporal.shares[40, 38]     # frame 38's share of frame 40's attribution
    temporal.told(40)           # "78% from the frame itself and its two neighbours, 12% from before, 10% from after"

The contribution of frame s to the value E of frame t is the gradient dE_t/dg[s] times the input g[s], the pooled
features (gradient times input; A. Shrikumar et al., ICML 2017), summed over channels, in E's unit. The temporal model
computes all pairs (TemporalModel.contributions).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..clips.clip import Clip
from ..clips.frame_rate import retime
from ..clips.frame_view import FULL, FrameView
from ..clips.pauses import pauses
from ..errors import InputError
from ..models.acoustic import AcousticModel
from ..models.bundle import Bundle
from ..models.features import BATCH, FeatureExtractor
from ..progress import UNSEEN, Progress
from ..spec import Band
from ..speech.mel import Scaler, within
from .targets import Target, target_of

LONGEST = 2000  # frames: the matrix of all pairs grows with their square


@dataclass(frozen=True)
class TemporalAttribution:
    """contributions: (T, T) float32, dB: row t, column s, the part of frame t's energy due to frame s.

    silent: (T,) bool.
    """

    band: Band
    fps: float
    contributions: np.ndarray
    silent: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """(T, T): magnitudes of the contributions; each row sums to 1."""
        sizes = np.abs(self.contributions)
        return sizes / np.maximum(sizes.sum(axis=1, keepdims=True), 1e-12)

    def parts(self, frames: Sequence[int] | np.ndarray) -> dict[str, float]:
        """Mean shares over these frames: "near" (the frame and its two neighbours), "before" and "after"."""
        sums = np.zeros(3)
        for t, row in zip(frames, self.shares[np.asarray(frames, int)], strict=True):
            first, stop = max(0, t - 1), t + 2
            sums += row[first:stop].sum(), row[:first].sum(), row[stop:].sum()
        near, before, after = sums / len(frames)
        return {"near": float(near), "before": float(before), "after": float(after)}

    def by_lag(self, most: int) -> np.ndarray:
        """(2 * most + 1,): mean share by lag over the speech frames, from -most to most frames."""
        speech = np.flatnonzero(~self.silent)
        padded = np.pad(self.shares, ((0, 0), (most, most)))
        return np.mean([padded[t, t : t + 2 * most + 1] for t in speech], axis=0)

    def near(self, far: int) -> np.ndarray:
        """(T, 2 * far + 3): each frame's shares by lag from -far to far, between the sums of all earlier and of all
        later frames. A row sums to 1."""
        shares, count = self.shares, len(self.silent)
        found = np.zeros((count, 2 * far + 3), np.float32)
        for t, row in enumerate(shares):
            first, stop = max(0, t - far), min(count, t + far + 1)
            found[t, 0], found[t, -1] = row[:first].sum(), row[stop:].sum()
            found[t, first - t + far + 1 : stop - t + far + 1] = row[first:stop]
        return found

    def told(self, frames: int | Sequence[int] | np.ndarray) -> str:
        """A sentence on one frame, or on the mean of several."""
        values = self.parts(np.atleast_1d(frames))
        return (
            "{near:.0%} from the frame itself and its two neighbours, {before:.0%} from before, {after:.0%} from after"
        ).format(**values)


def temporal_attribution(
    bundle: Bundle, clip: Clip, band: Band, progress: Progress = UNSEEN, view: FrameView = FULL
) -> TemporalAttribution:
    """Temporal attribution of the band's energy in each frame. view: what the model sees of the pictures.

    Raises InputError for a box or a formant-tracking band, or a clip of more than LONGEST frames.
    """
    if band.stretch or band.formant:
        raise InputError(
            "Give a band, not a box or a formant to follow: every frame of the clip is asked where its sound came from."
        )
    target = target_of(bundle.mel, band)
    frames = retime(clip, bundle.fps)
    if len(frames) > LONGEST:
        raise InputError(
            "The clip has {count} frames, and each would be compared with each: cut it to {most} or fewer.",
            count=len(frames),
            most=LONGEST,
        )
    chunks = (view.prepare(frames[k : k + BATCH], bundle.frames.size) for k in range(0, len(frames), BATCH))
    extract = FeatureExtractor(bundle.acoustic, onnx=bundle.onnx, size=bundle.frames.size)
    features = extract(chunks, len(frames), progress.part(None, 0, 0.5))
    made = contributions(bundle.acoustic, bundle.scaler, features, target, progress.part("attention", 0.5, 1))
    with torch.no_grad():
        mel_db = bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0]).cpu().numpy()
    return TemporalAttribution(
        within(bundle.mel, band), bundle.fps, made, pauses(mel_db, bundle.mel, bundle.scaler, frames, clip.sound)
    )


def contributions(
    model: AcousticModel, scaler: Scaler, features: Tensor, target: Target, progress: Progress = UNSEEN
) -> np.ndarray:
    """(T, T) float32: gradient times input of the target in frame t (row) with respect to frame s (column).

    model: in eval mode. features: (T, C). target: its value in a frame depends on that frame's mel alone.
    """
    with torch.no_grad():
        states = model.states_from_features(features[None])[0]
    states.requires_grad_(True)
    (slope,) = torch.autograd.grad(target(scaler.to_db(model.mel_from_states(states))).sum(), states)
    return model.rnn.contributions(features, slope, progress).cpu().numpy()
