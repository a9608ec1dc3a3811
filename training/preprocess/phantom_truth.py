"""What a phantom knows about its pictures, brought to the dataset: regions of each frame, and the articulation.

Preprocessing writes samples/<ID>/regions.npy and articulation.npy where a recording has <id>.truth.npz beside it.
Recorded corpora have neither, and train without: they only help (acoustic.region_variation, loss.articulation).
"""

import json
from pathlib import Path

import numpy as np

from rtmri2speech.errors import InputError
from rtmri2speech.names import beside

# Every pixel belongs to one of these; the first two are what the phantom's own regions leave over.
REGIONS = (
    "outside", "other tissue", "tongue", "lips", "velum", "jaw", "hard_palate", "pharynx_wall", "larynx", "airway",
    "brain", "spine",
)  # fmt: skip
ARTICULATORS = ("tongue", "lips", "velum", "jaw")
TRACT = (*ARTICULATORS, "hard_palate", "pharynx_wall", "larynx", "airway")
_SMALLEST_AREA_CM2 = 0.03


def truth_file(video: Path) -> Path | None:
    """The truth beside a video, if there is one."""
    return beside(video, ".truth.npz")


def read_truth(path: Path, frames: int, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """(regions uint8 (frames, H, W), an index into REGIONS; articulation float32 (frames, K)) at this frame rate.

    Raises InputError if the file is not a phantom's truth.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            truth = {name: data[name] for name in data.files}
        of_class = region_of_class(list(truth["classes"]), json.loads(str(truth["regions"])))
        labels, own_fps = truth["labels"], float(truth["fps"])
        values = articulation(truth)
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError("{path} is not the truth of a phantom clip ({reason}).", path=path, reason=error) from None
    at = np.minimum(((np.arange(frames) + 0.5) / fps * own_fps).astype(int), len(labels) - 1)
    return of_class[labels[at]], values[at]


def region_of_class(classes: list[str], members: dict[str, list[str]]) -> np.ndarray:
    """(256,) uint8: the index into REGIONS of each tissue class. members: the classes of each region."""
    owner = {name: region for region, names in members.items() for name in names}
    table = np.full(256, REGIONS.index("other tissue"), np.uint8)
    for k, name in enumerate(classes):
        table[k] = REGIONS.index("outside" if name == "outside" else owner.get(str(name), "other tissue"))
    return table


def articulation(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(T, K) float32: log areas from the glottis to the lips, tract length, tract shape, velum, glottis, voice, F0.

    What the pictures show and the sound depends on, one row a frame; each column still in its own unit.
    """
    names = [str(name) for name in truth["glottis_names"]]
    glottis = truth["glottis"]
    columns = [
        np.log(np.maximum(truth["area_cm2"], _SMALLEST_AREA_CM2)),
        truth["length_cm"].sum(axis=1, keepdims=True),
        truth["tract"],
        np.sqrt(np.maximum(truth["velum_cm2"], 0))[:, None],
        glottis[:, [names.index("XB"), names.index("XT")]],
        (truth["f0_hz"] > 0)[:, None],
        np.log2(glottis[:, [names.index("F0")]]),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)
