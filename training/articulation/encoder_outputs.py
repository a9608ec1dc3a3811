"""Encoder outputs: the articulation that a CNN of training.articulation.image_encoder reads off clips, frame by frame,
in several appearances.

    python -m training.articulation.encoder_outputs clips=FILE.npz sight=RUN out=SEEN.npz looks=3

For training.articulation.mel_decoder, which is trained on the CNN's own errors beside input noise (`disturb`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from rtmri2speech.files import atomic_write, refuse_overwriting_inputs

from ..engine.config import run_command
from .image_encoder import picture, read_image_encoder
from .label_maps import Pictures, read_pictures

_BATCH = 32


@dataclass(frozen=True)
class EncoderOutputsRun:
    """clips: label maps of whole utterances (training.articulation.label_maps, corpus=...). looks: appearances
    of each."""

    clips: str
    sight: str
    out: str
    looks: int = 3
    seed: int = 0


def make(run: EncoderOutputsRun) -> None:
    """Write the articulation of every clip in every appearance, in the units of the truth."""
    refuse_overwriting_inputs([run.out], [run.clips, run.sight])
    cv2.setNumThreads(1)
    clips = read_pictures(Path(run.clips))
    network, scaler, settings = read_image_encoder(Path(run.sight))
    names, found = [], []
    for clip, name in enumerate(clips.names):
        frames = np.flatnonzero(clips.group == clip)
        for appearance in range(run.looks):
            pictures = np.stack(
                [p for p, _ in clip_pictures(clips, frames, (run.seed, clip, appearance), settings.size)]
            )
            parts = torch.from_numpy(pictures)[:, None].split(_BATCH)
            with torch.no_grad():
                articulation = torch.cat([network(part)[0] for part in parts]).numpy()
            names.append(name)
            found.append(scaler.to_db(articulation))
        print(f"encoder outputs: {clip + 1} of {len(clips.names)} clips", flush=True)
    with atomic_write(Path(run.out)) as temporary, temporary.open("wb") as file:
        frames = np.array([len(f) for f in found])
        np.savez(file, names=np.array(names), frames=frames, articulation=np.concatenate(found))


def clip_pictures(
    clips: Pictures, frames: np.ndarray, seed: tuple, size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """picture() of each of these frames: one view and one scanner, whose noise is new in every frame."""
    noise = float(np.random.default_rng([*seed, 1]).uniform(0, 0.03))
    fresh = np.random.default_rng([*seed, 2])
    for index in frames:
        shown, regions = picture(clips.labels(index), np.random.default_rng(seed), size)
        shown = np.clip(shown + noise * fresh.standard_normal(shown.shape, np.float32), 0, 1)
        yield shown, regions


if __name__ == "__main__":
    run_command(make, EncoderOutputsRun, "articulation_encoder_outputs")
