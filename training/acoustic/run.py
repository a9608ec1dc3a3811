"""An acoustic run folder: settings.json, split.json (and held_out.txt, its val and test, for training.vocoder),
scaler.json, history.csv, TensorBoard's files, best.ckpt (least validation loss) and last.ckpt.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from rtmri2speech.errors import InputError
from rtmri2speech.files import atomic_write, write_json
from rtmri2speech.models.acoustic import HEAD, AcousticConfig, AcousticModel, head_in_scaler
from rtmri2speech.models.convert import is_thesis_acoustic, read_thesis_acoustic
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.spec import MelSpec
from rtmri2speech.speech.mel import Scaler

from ..engine.run_folder import SETTINGS, check_resumable, read_settings, write_settings
from ..preprocess.dataset import Corpus
from .config import AcousticRun
from .dataset import Segment, fit_scaler, split_corpus

RUN_FILES = (SETTINGS, "split.json", "scaler.json", "held_out.txt", "history.csv", "best.ckpt", "last.ckpt")
_FREE = {"data_dir", "run_dir", "init_from", "training", "data.workers"}  # may change within a run


def prepare_run(
    folder: Path, run: AcousticRun, corpus: Corpus, goes_on: bool
) -> tuple[dict[str, list[Segment]], Scaler]:
    """The run folder's settings, split and scaler: written for a new run, checked and kept for one that goes on.

    A corpus may have grown since: new recordings are split as the old ones were, which keep their part, and the
    scaler stays that of the beginning.
    """
    previous = None
    if goes_on:
        before = read_settings(folder, "acoustic")
        check_resumable(folder, run, before, free=_FREE)
        check_resumable(folder, corpus.mel, before["mel"], prefix="mel.")
        previous = json.loads((folder / "split.json").read_text(encoding="utf-8"))
        scaler = Scaler.read(folder / "scaler.json", corpus.mel.n_mels)
    else:
        scaler = fit_scaler(corpus, run.data)
    segments, ids = split_corpus(corpus, run.data, previous)
    folder.mkdir(parents=True, exist_ok=True)
    scaler.write(folder / "scaler.json")
    write_settings(folder, run, mel=corpus.mel.to_json(), restored=corpus.restored)
    write_json(folder / "split.json", ids)
    with atomic_write(folder / "held_out.txt") as temporary:
        temporary.write_text("".join(f"{id_}\n" for id_ in sorted(ids["val"] + ids["test"])), encoding="utf-8")
    return segments, scaler


def start_tensors(path: str | os.PathLike, mel: MelSpec, scaler: Scaler) -> dict[str, Tensor]:
    """The tensors to start a run from. Of a bundle, or a run whose scaler is known, the output layer is re-expressed in
    this run's scaler, so that the dB mel at step 0 is that model's. Raises InputError for a bundle of another mel."""
    path = Path(path)
    folder = path if path.is_dir() else path.parent
    if (path / "bundle.json").is_file():
        bundle = load_bundle(path)
        if bundle.mel != mel:
            raise InputError("The bundle {bundle} is for another mel than the dataset's.", bundle=path)
        tensors, old = bundle.acoustic.state_dict(), bundle.scaler
    else:
        tensors = model_tensors(path)
        if not (folder / "scaler.json").is_file():
            return tensors
        old = Scaler.read(folder / "scaler.json", mel.n_mels)
    return tensors | dict(zip(HEAD, head_in_scaler(*(tensors[name] for name in HEAD), old, scaler), strict=True))


def model_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """The AcousticModel's tensors in a checkpoint of this training, in a run folder's best.ckpt, or in a thesis .pt."""
    path = Path(path)
    checkpoint = read_checkpoint(path / "best.ckpt" if path.is_dir() else path)
    if is_thesis_acoustic(checkpoint):
        return read_thesis_acoustic(path).state_dict()
    state = checkpoint.get("state_dict")
    if not isinstance(state, dict):
        raise InputError("{path} is not a checkpoint of training.acoustic.", path=path)
    return {name.removeprefix("model."): tensor for name, tensor in state.items() if name.startswith("model.")}


def read_model(folder: str | os.PathLike, pool: int = 1) -> tuple[AcousticModel, Scaler, int, dict]:
    """The model of a run's best epoch in eval mode, its scaler, the side of its pictures, pixels, and its settings.

    pool: for pictures so many times as large, averaged down to those it was trained at.
    Raises InputError if the folder is not a run with a finished epoch.
    """
    folder = Path(folder)
    settings = read_settings(folder, "acoustic")
    try:
        config, size = AcousticConfig.from_json(settings["model"]), pool * int(settings["data"]["image_size"])
    except (KeyError, TypeError):
        raise InputError("{run} is not a run of training.acoustic: settings.json is of another.", run=folder) from None
    model = AcousticModel(replace(config, input_pool=pool * config.input_pool)).eval()
    load_exactly(model, model_tensors(folder), str(folder / "best.ckpt"))
    return model, Scaler.read(folder / "scaler.json", config.n_mels), size, settings
