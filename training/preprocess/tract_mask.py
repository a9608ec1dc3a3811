"""samples/<ID>/tract.npz: which pixels of a recording's pictures the vocal tract covers, and its window."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from rtmri2speech.clips.frame_view import FULL, FrameView, TractView
from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write

FILE = "tract.npz"


def write_tract_mask(folder: Path, view: TractView) -> None:
    """region: bool (H, W) of the picture, the mask; matrix: (2, 3), see TractView."""
    with atomic_write(folder / FILE) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, region=view.region, matrix=view.matrix)


@lru_cache(maxsize=256)
def read_view(folder: Path, view: str) -> FrameView:
    """What a model of this view ("full" or "tract") sees of a sample. Raises InputError without a mask of the tract."""
    if view == "full":
        return FULL
    try:
        with np.load(folder / FILE, allow_pickle=False) as data:
            return TractView(data["region"], data["matrix"])
    except (OSError, ValueError, KeyError):
        raise InputError(
            "{folder} has no mask of the tract: run training.preprocess with --mask tract.", folder=folder
        ) from None
