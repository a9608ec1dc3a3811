"""From one frame to another in steps: the model's features of both mixed, spoken, and the formants that come of it.

    made = morph(bundle, read_clip("clip.mp4"), 14, 22)
    made.audio, made.sample_rate
    made.share, made.formants_hz     # (T,) 0 at the first frame, 1 at the other; (T, 3) Hz, NaN where none was measured

What is mixed is what the CNN hands to the BiLSTM, so no picture is made, and none of the steps was ever seen. Between
vowels of a phantom the formants go about as they do when its tongue, jaw and lips are moved in straight lines; a
cross-fade of the two pictures does worse (docs/morph.md). It is a sound to think with, no measurement.
"""

from dataclasses import dataclass

import numpy as np
import torch

from .clips.clip import Clip
from .clips.frame_rate import retime
from .clips.preprocessing import prepare_frames
from .errors import InputError
from .models.bundle import Bundle
from .models.features import FeatureExtractor
from .models.vocoding import vocode
from .speech.formant_tracks import ceiling_of, measured_track

HOLD_S, CHANGE_S = 0.3, 1.0
MOST_S = 20.0


@dataclass(frozen=True)
class Morph:
    """audio: float32 (samples,). fps: frames a second. share: (T,) of the second frame. mel_db: (T, n_mels).
    formants_hz: (T, 3), as Praat measures them in the sound."""

    audio: np.ndarray
    sample_rate: int
    fps: float
    share: np.ndarray
    mel_db: np.ndarray
    formants_hz: np.ndarray

    @property
    def table(self) -> list[dict[str, object]]:
        """A row for each frame: time_s, share, F1_hz, F2_hz, F3_hz; None where no formant was measured."""
        known = lambda hz: None if np.isnan(hz) else round(float(hz), 1)  # noqa: E731
        return [
            {"time_s": round(t / self.fps, 4), "share": round(float(share), 4)}
            | {f"F{number}_hz": known(hz) for number, hz in enumerate(row, 1)}
            for t, (share, row) in enumerate(zip(self.share, self.formants_hz, strict=True))
        ]


def morph(
    bundle: Bundle, clip: Clip, first: int, second: int, change_s: float = CHANGE_S, hold_s: float = HOLD_S
) -> Morph:
    """Speech that holds the clip's frame `first`, changes evenly to the frame `second` and holds that.

    Frames are counted at the model's rate. The sound is a whisper whatever the bundle. Raises InputError for frames
    that there are not, the same one twice, or times that are too short or too long.
    """
    frames = retime(clip, bundle.fps)
    for frame in (first, second):
        if not 0 <= frame < len(frames):
            raise InputError(
                "There is no frame {frame}: the clip has frames 0 to {last}.", frame=frame, last=len(frames) - 1
            )
    if first == second:
        raise InputError("A morph goes from one frame to another: give two.")
    if not (0.1 <= hold_s <= MOST_S and 0.1 <= change_s <= MOST_S):
        raise InputError(
            "A frame is held, and changed to the other, for {least:g} to {most:g} s each.", least=0.1, most=MOST_S
        )
    pictures = prepare_frames(frames[[first, second]], bundle.frames.size)
    extract = FeatureExtractor(bundle.acoustic, onnx=bundle.onnx, size=bundle.frames.size)
    one, other = extract([pictures], 2)
    hold, steps = round(hold_s * bundle.fps), round(change_s * bundle.fps)
    share = np.concatenate([np.zeros(hold), np.linspace(0, 1, steps + 2)[1:-1], np.ones(hold)])
    weights = torch.as_tensor(share, dtype=one.dtype, device=one.device)[:, None]
    with torch.no_grad():
        features = (1 - weights) * one + weights * other
        mel_db = bundle.scaler.to_db(bundle.acoustic.mel_from_features(features[None])[0])
    audio = vocode(bundle, mel_db)
    times_s = (np.arange(len(share)) + 0.5) / bundle.fps
    ceiling_hz = None if clip.sound is None else ceiling_of(clip.sound, (np.arange(len(frames)) + 0.5) / bundle.fps)
    heard = (audio, bundle.mel.sample_rate)
    track = measured_track(heard, times_s, ceiling_hz, True, np.zeros(len(share), bool))
    return Morph(audio, bundle.mel.sample_rate, bundle.fps, share, mel_db.cpu().numpy(), track.hz)
