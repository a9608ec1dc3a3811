"""A vocoder run folder: settings.json, checkpoints/step_########.pt (everything to go on exactly), TensorBoard logs.

`load_run` turns it into the vocoder a bundle holds.
"""

import os
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.models.ddsp import SourceFilter
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.vocoder import Vocoder, kind_of
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.spec import MelSpec

from ..engine.checkpoint import newest_whole, write_checkpoint
from ..engine.run_folder import read_settings


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints, oldest first."""
    return sorted((Path(run) / "checkpoints").glob("step_*.pt"))


def save_checkpoint(run: Path, state: dict, keep: int) -> Path:
    """Write the state under its step's number, and delete all but the `keep` newest checkpoints."""
    path = Path(run) / "checkpoints" / f"step_{state['step']:08d}.pt"
    write_checkpoint(path, state)
    for old in [p for p in checkpoints(run) if p <= path][:-keep]:  # a later one is damaged: it was not gone on from
        old.unlink()
    return path


def load_run(run_folder: str | os.PathLike, step: int | None = None) -> Vocoder:
    """The vocoder of a run's newest checkpoint (or the one of `step`), ready for inference, in eval mode.

    Its mel is in its settings.json: see read_vocoder.
    """
    settings = read_settings(run_folder, "vocoder")
    found = [p for p in checkpoints(Path(run_folder)) if step is None or p.stem == f"step_{step:08d}"]
    newest = newest_whole(reversed(found))
    if newest is None:
        if step is None:
            raise InputError("{run_folder} holds no checkpoint.", run_folder=run_folder)
        raise InputError("{run_folder} holds no checkpoint of step {step}.", run_folder=run_folder, step=step)
    vocoder: Vocoder
    if settings.get("kind") == "ddsp":
        vocoder = SourceFilter.from_json(settings["vocoder"])
    else:
        vocoder = Generator(GeneratorConfig.from_json(settings["generator"]), input=settings["vocoder_input"])
    load_exactly(vocoder, read_checkpoint(newest)["generator"], str(newest))
    return vocoder.ready().eval().requires_grad_(False)


def read_vocoder(folder: Path) -> tuple[Vocoder, dict]:
    """The vocoder of a run of training.vocoder, or of a bundle, and the settings of its training, of which "mel" and
    "kind" are always there."""
    if (folder / "bundle.json").is_file():
        bundle = load_bundle(folder)
        return bundle.vocoder, bundle.training.get("vocoder", {}) | described(bundle.vocoder, bundle.mel)
    vocoder, settings = load_run(folder), read_settings(folder, "vocoder")
    return vocoder, settings | described(vocoder, MelSpec.from_json((settings.get("vocoder") or settings)["mel"]))


def described(vocoder: Vocoder, mel: MelSpec) -> dict:
    """The entries of a run's settings that say what its vocoder is."""
    shape = {"kind": kind_of(vocoder), "mel": mel.to_json()}
    if isinstance(vocoder, Generator):
        return shape | {"generator": vocoder.config.to_json(), "vocoder_input": vocoder.input}
    return shape | {"vocoder": vocoder.to_json()}
