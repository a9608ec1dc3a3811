"""Mels to fine-tune the vocoder with: what an acoustic run predicts for the recordings of a dataset, in dB.

    python -m training.acoustic.predict_mels DATASET --acoustic RUN --out MELS
    python -m training.vocoder run_dir=VOCODER_RUN init_from=EARLIER_RUN normalize_peak=null extra_mels_weight=0.2 \\
        +sources.lab.folder=DATASET/wavs +sources.lab.mels=MELS \\
        +sources.lab.held_out=DATASET/hifigan_filelists/validation.txt

The dataset's wavs/ and hifigan_filelists/ come from training.preprocess --hifigan_filelists.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from rtmri2speech.clips.frame_view import FrameView
from rtmri2speech.files import atomic_write, refuse_overwriting_inputs
from rtmri2speech.models.acoustic import AcousticModel
from rtmri2speech.speech.mel import Scaler

from ..engine.console import plain_errors
from ..preprocess.dataset import Corpus, Utterance
from ..preprocess.tract_mask import read_view
from .run import read_model

_BATCH = 32  # frames through the CNN at a time


def predict_mel(model: AcousticModel, scaler: Scaler, mri: np.ndarray, size: int, view: FrameView) -> np.ndarray:
    """A whole recording's pictures (T, H, W) uint8 -> its predicted mel (T, n_mels), dB, float32.

    view: what the model sees of them.
    """
    with torch.inference_mode():
        pooled = [
            model.feature_maps(torch.from_numpy(view.prepare(np.array(part), size))[:, None]).mean(dim=(2, 3))
            for part in np.split(mri, range(_BATCH, len(mri), _BATCH))
        ]
        return scaler.to_db(model.mel_from_features(torch.cat(pooled)[None])[0]).numpy()


def export_predicted(corpus: Corpus, acoustic: str | os.PathLike, out: Path) -> Iterator[Utterance]:
    """Write out/<ID>.npy, (T, n_mels) dB, for each recording, and yield the recording. What is there already stays."""
    model, scaler, size, settings = read_model(acoustic)
    seen = settings["data"].get("view", "full")
    for utterance in corpus.utterances:
        target = out / f"{utterance.id}.npy"
        if not target.is_file():
            mri = np.load(utterance.folder / "mri.npy", mmap_mode="r")
            with atomic_write(target) as temporary:
                np.save(temporary, predict_mel(model, scaler, mri, size, read_view(utterance.folder, seen)))
        yield utterance


def export_true(corpus: Corpus, out: Path) -> Iterator[Utterance]:
    """Write each recording's own mel as out/<ID>.npy, (T, n_mels) dB, and yield the recording."""
    for utterance in corpus.utterances:
        with atomic_write(out / f"{utterance.id}.npy") as temporary:
            np.save(temporary, np.load(utterance.folder / "mel_db.npy"))
        yield utterance


def main(
    dataset: Annotated[Path, typer.Argument(help="A dataset made by training.preprocess.")],
    out: Annotated[Path, typer.Option(help="Folder for <ID>.npy: dB, one row a frame.")],
    acoustic: Annotated[
        Path | None, typer.Option(help="Run folder of training.acoustic; without it the true mels are written.")
    ] = None,
) -> None:
    """Write the mel of each recording: the acoustic model's prediction, or without --acoustic the true one."""
    with plain_errors():
        corpus = Corpus.read(dataset)
        places = [utterance.folder for utterance in corpus.utterances]
        refuse_overwriting_inputs((out / f"{place.name}.npy" for place in places), [dataset, acoustic, *places])
        done = export_predicted(corpus, acoustic, out) if acoustic else export_true(corpus, out)
        print(f"{sum(1 for _ in done)} mels in {out}")


if __name__ == "__main__":
    typer.run(main)
