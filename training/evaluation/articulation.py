"""How well a CNN of training.articulation.image_encoder reads articulation off pictures it never saw.

    python -m training.evaluation.articulation CLIPS --run SIGHT

CLIPS are phantom clips with their truth, of speakers held out. For each variant of training.evaluation.domain_shift: R2
of the groups of columns (1: all is read, 0: no better than the mean of these clips), and the share of frames whose
voicing is wrong. The absolute scale of a head cannot be told from a picture, so that of the lengths is low by nature.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from typer import Argument, Option

from rtmri2speech.anatomy.tract_window import tract_view_of_frames
from rtmri2speech.clips.clip import read_clip

from ..articulation.corpus import visible
from ..articulation.image_encoder import ImageEncoder, r2, read_image_encoder
from ..engine.console import plain_errors
from ..preprocess.phantom_clips import find_phantoms, truth_of
from .domain_shift import VARIANTS

_BATCH = 32


def read_clips(paths: list[Path]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(frames uint8 (T, H, W), true articulation (T, K)) of each. Raises InputError for a clip without its truth."""
    out = []
    for path in paths:
        with np.load(truth_of(path), allow_pickle=False) as data:
            known = visible({name: data[name] for name in data.files if name != "labels"})
        frames = read_clip(path).frames
        out.append((frames[: len(known)], known[: len(frames)]))
    return out


@torch.no_grad()
def found_in(network: ImageEncoder, frames: np.ndarray, size: int) -> np.ndarray:
    """uint8 (T, H, W) -> standardised articulation (T, K). Raises InputError where no vocal tract is found."""
    view = tract_view_of_frames(frames)
    parts = (frames[k : k + _BATCH] for k in range(0, len(frames), _BATCH))
    return np.concatenate([network(torch.from_numpy(view.prepare(p, size))[:, None])[0].numpy() for p in parts])


@plain_errors()
def main(
    clips: Annotated[list[Path], Argument(help="Phantom clips with <id>.truth.npz beside them, or folders of them.")],
    run: Annotated[Path, Option("--run", help="A run of training.articulation.image_encoder.")],
) -> None:
    """R2 of every group of articulation on variants of held-out phantoms."""
    network, scaler, settings = read_image_encoder(run)
    read = read_clips(find_phantoms(clips))
    known = scaler.standardise(np.concatenate([k for _, k in read]))
    for number, (name, change) in enumerate(VARIANTS.items()):
        found = np.concatenate([found_in(network, change(frames), settings.size) for frames, _ in read])
        row = r2(found, known)
        if number == 0:
            print(f"{'':<20}" + "".join(f"{key:>15}" for key in row) + f"   ({len(read)} clips)")
        print(f"{name:<20}" + "".join(f"{value:>15.2f}" for value in row.values()))


if __name__ == "__main__":
    typer.run(main)
