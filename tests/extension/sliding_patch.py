"""A third attribution method, in one file: occlusion with a sliding patch (M. Zeiler and R. Fergus, ECCV 2014)."""

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from rtmri2speech.attribution.method import Inputs, Method
from rtmri2speech.clips.preprocessing import blurred
from rtmri2speech.progress import Progress

CELLS = 4


def maps(inputs: Inputs, progress: Progress) -> dict[str, np.ndarray]:
    """How much blurring a patch lowers the target in the frame itself, the other frames held fixed."""
    frames = np.concatenate(list(inputs.chunks()))
    mel_of, side = inputs.model.frame_local_mel(inputs.features, inputs.rows), inputs.size // inputs.cells
    found = {name: np.zeros((len(frames), inputs.cells, inputs.cells), np.float32) for name in inputs.targets}

    def values(pictures: np.ndarray) -> dict[str, np.ndarray]:
        with torch.no_grad():
            tensor = torch.from_numpy(pictures)[:, None]
            pooled = inputs.model.cnn(avg_pool2d(tensor, inputs.model.config.input_pool))[-1].mean(dim=(2, 3))
            mel_db = inputs.scaler.to_db(mel_of(pooled))
            return {name: target(mel_db).numpy() for name, target in inputs.targets.items()}

    before, hidden = values(frames), blurred(frames)
    for row, column in np.ndindex(inputs.cells, inputs.cells):
        patch = np.s_[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
        pictures = frames.copy()
        pictures[patch] = hidden[patch]
        for name, after in values(pictures).items():
            found[name][:, row, column] = before[name] - after
        progress("attention", row * inputs.cells + column + 1, inputs.cells**2)
    return found


SLIDING_PATCH = Method(
    label={"en": "occlusion with a sliding patch", "ja": "スライディングパッチによる遮蔽"},
    baseline="blur",
    resolution=CELLS,
    resolutions=lambda model, size: [CELLS],
    maps=maps,
)
