"""How far in time the sound of a frame came from: the BiLSTM looks both ways.

    made = reach(bundle, read_clip("clip.mp4"), F2)
    made.shares[40, 38]     # of what made frame 40's energy, the share of frame 38's picture
    made.told(40)           # "78 % from this frame and its two neighbours, 12 % from before, 10 % from after"

The contribution of frame s to the value E of frame t is the gradient dE_t/dg[s] times the input g[s], the pooled
features (gradient times input; A. Shrikumar et al., ICML 2017), summed over channels, in E's unit. It is exact, and
found for all pairs at once: going back from every t by one frame more at a time, the adjoints of all T frames take
each step together. What is multiplied at each step has the width of the LSTM, as the features themselves are never
differentiated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..clips.clip import Clip
from ..clips.frame_rate import retime
from ..clips.preprocessing import prepare_frames
from ..errors import InputError
from ..models.acoustic import AcousticModel
from ..models.bundle import Bundle
from ..models.features import BATCH, FeatureExtractor
from ..progress import UNSEEN, Progress
from ..spec import Band
from ..speech.mel import Scaler, silent_frames, within
from .targets import Target, target_of

LONGEST = 2000  # frames: the picture of all pairs has this many times as many numbers


@dataclass(frozen=True)
class TemporalAttribution:
    """contributions: (T, T) float32, of the energy (dB) of frame t, row, the part due to frame s, column.

    silent: (T,) bool, where nobody speaks.
    """

    band: Band
    fps: float
    contributions: np.ndarray
    silent: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """(T, T): the same without signs, each row adding up to 1."""
        sizes = np.abs(self.contributions)
        return sizes / np.maximum(sizes.sum(axis=1, keepdims=True), 1e-12)

    def parts(self, frames: Sequence[int] | np.ndarray) -> dict[str, float]:
        """Mean share of each of these frames and its two neighbours, of what is before, and of what is after."""
        sums = np.zeros(3)
        for t, row in zip(frames, self.shares[np.asarray(frames, int)], strict=True):
            first, stop = max(0, t - 1), t + 2
            sums += row[first:stop].sum(), row[:first].sum(), row[stop:].sum()
        near, before, after = sums / len(frames)
        return {"near": float(near), "before": float(before), "after": float(after)}

    def by_lag(self, most: int) -> np.ndarray:
        """(2 * most + 1,): mean share in speech of the frames from `most` before to `most` after."""
        speech = np.flatnonzero(~self.silent)
        padded = np.pad(self.shares, ((0, 0), (most, most)))
        return np.mean([padded[t, t : t + 2 * most + 1] for t in speech], axis=0)

    def near(self, far: int) -> np.ndarray:
        """(T, 2 * far + 3): of each frame the share of all that is earlier than `far` frames before it, of each frame
        from `far` before to `far` after, and of all that is later. A row adds up to 1."""
        shares, count = self.shares, len(self.silent)
        found = np.zeros((count, 2 * far + 3), np.float32)
        for t, row in enumerate(shares):
            first, stop = max(0, t - far), min(count, t + far + 1)
            found[t, 0], found[t, -1] = row[:first].sum(), row[stop:].sum()
            found[t, first - t + far + 1 : stop - t + far + 1] = row[first:stop]
        return found

    def told(self, frames: int | Sequence[int] | np.ndarray) -> str:
        """In plain words, of a frame or the mean of several."""
        values = self.parts(np.atleast_1d(frames))
        return (
            "{near:.0%} from the frame itself and its two neighbours, {before:.0%} from before, {after:.0%} from after"
        ).format(**values)


def temporal_attribution(bundle: Bundle, clip: Clip, band: Band, progress: Progress = UNSEEN) -> TemporalAttribution:
    """Where in time the band's energy came from, frame by frame. Raises InputError for a band that is not the same in
    every frame, or a clip too long."""
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
    chunks = (prepare_frames(frames[k : k + BATCH], bundle.frames.size) for k in range(0, len(frames), BATCH))
    extract = FeatureExtractor(bundle.acoustic, onnx=bundle.onnx, size=bundle.frames.size)
    features = extract(chunks, len(frames), progress.part(None, 0, 0.5))
    made = contributions(bundle.acoustic, bundle.scaler, features, target, progress.part("attention", 0.5, 1))
    with torch.no_grad():
        mel_db = bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0]).cpu().numpy()
    return TemporalAttribution(
        within(bundle.mel, band), bundle.fps, made, silent_frames(mel_db, bundle.fps, bundle.scaler.faint_db)
    )


def contributions(
    model: AcousticModel, scaler: Scaler, features: Tensor, target: Target, progress: Progress = UNSEEN
) -> np.ndarray:
    """(T, T) float32: gradient times input of the target of each frame, row, with respect to each frame, column.

    model: in eval mode. features: (T, C). target: of each frame, from that frame's mel alone.
    """
    with torch.no_grad():
        states = model.states_from_features(features[None])[0]
    states.requires_grad_(True)
    (slope,) = torch.autograd.grad(target(scaler.to_db(model.mel_from_states(states))).sum(), states)
    return model.rnn.contributions(features, slope, progress).cpu().numpy()
