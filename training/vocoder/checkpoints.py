"""A vocoder run folder: settings.json, checkpoints/step_########.pt (everything to go on exactly), TensorBoard logs.

`load_run` turns it into the folded Generator a bundle holds.
"""

import os
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.weights import load_exactly, read_checkpoint

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


def load_run(run_folder: str | os.PathLike, step: int | None = None) -> Generator:
    """The generator of a run's newest checkpoint (or the one of `step`), weight norm folded, in eval mode.

    Its mel and its input kind are in its settings.json, "mel" and "vocoder_input".
    """
    config = GeneratorConfig.from_json(read_settings(run_folder, "vocoder")["generator"])
    found = [p for p in checkpoints(Path(run_folder)) if step is None or p.stem == f"step_{step:08d}"]
    newest = newest_whole(reversed(found))
    if newest is None:
        if step is None:
            raise InputError("{run_folder} holds no checkpoint.", run_folder=run_folder)
        raise InputError("{run_folder} holds no checkpoint of step {step}.", run_folder=run_folder, step=step)
    generator = Generator(config)
    load_exactly(generator, read_checkpoint(newest)["generator"], str(newest))
    return generator.fold_weight_norm().eval().requires_grad_(False)


def read_vocoder(folder: Path) -> tuple[Generator, dict]:
    """The generator of a run of training.vocoder, or of a bundle, and the settings of its training."""
    if (folder / "bundle.json").is_file():
        bundle = load_bundle(folder)
        known = {"mel": bundle.mel.to_json(), "generator": bundle.vocoder.config.to_json()}
        return bundle.vocoder, bundle.training.get("vocoder", {}) | known | {"vocoder_input": bundle.vocoder.input}
    return load_run(folder), read_settings(folder, "vocoder")
