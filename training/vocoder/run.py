"""A vocoder run folder: settings.json, checkpoints/step_########.pt (everything to go on exactly), TensorBoard logs.

`load_run` turns it into the folded Generator a bundle holds.
"""

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from rtmri2speech.atomic import replacing
from rtmri2speech.errors import InputError
from rtmri2speech.models.convert import read_hifigan_generator
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.weights import load_exactly, read_checkpoint
from rtmri2speech.spec import MelSpec

from ..run_folder import read_settings
from .discriminators import Discriminators


def checkpoints(run: Path) -> list[Path]:
    """The run's checkpoints, oldest first."""
    return sorted((Path(run) / "checkpoints").glob("step_*.pt"))


def save_checkpoint(run: Path, state: dict, keep: int) -> Path:
    """Write the state under its step's number, and delete all but the `keep` newest checkpoints."""
    path = Path(run) / "checkpoints" / f"step_{state['step']:08d}.pt"
    with replacing(path) as temporary:
        torch.save(state, temporary)
    for old in checkpoints(run)[:-keep]:
        old.unlink()
    return path


def load_run(run_folder: str | os.PathLike, step: int | None = None) -> Generator:
    """The generator of a run's newest checkpoint (or the one of `step`), weight norm folded, in eval mode.

    Its mel and its input kind are in its settings.json, "mel" and "vocoder_input".
    """
    config = GeneratorConfig.from_json(read_settings(run_folder, "vocoder")["generator"])
    found = [p for p in checkpoints(Path(run_folder)) if step is None or p.stem == f"step_{step:08d}"]
    if not found:
        if step is None:
            raise InputError("{run_folder} holds no checkpoint.", run_folder=run_folder)
        raise InputError("{run_folder} holds no checkpoint of step {step}.", run_folder=run_folder, step=step)
    generator = Generator(config)
    load_exactly(generator, read_checkpoint(found[-1])["generator"], str(found[-1]))
    return generator.fold_weight_norm().eval().requires_grad_(False)


def read_reference_generator(path: str, config_path: str, mel: MelSpec) -> tuple[GeneratorConfig, dict[str, Tensor]]:
    """A jik876 g_######## with its config.json -> the generator's shape and its trainable (not folded) tensors."""
    config = read_hifigan_generator(path, config_path, mel).config  # checks every tensor by name
    checkpoint = read_checkpoint(path)
    generator = Generator(config)
    generator.load_state_dict(checkpoint.get("generator", checkpoint))  # PyTorch renames weight_g and weight_v
    return config, generator.state_dict()


def read_reference_discriminators(path: str, discriminators: Discriminators) -> dict:
    """Load a jik876 do_######## into full-width discriminators, in place. Returns its optimiser states.

    {"optim_g": ..., "optim_d": ...}, in the parameter order of Generator and Discriminators.
    """
    checkpoint = read_checkpoint(path)
    for entry in ("mpd", "msd", "optim_g", "optim_d"):
        if entry not in checkpoint:
            raise InputError(
                "{path} lacks the entry {entry}: it is not a HiFi-GAN do_ checkpoint.", path=path, entry=entry
            )
    for name in ("mpd", "msd"):
        part = getattr(discriminators, name)
        load_exactly(part, _renamed(checkpoint[name], part), f"{path} ({name})")
    return {name: checkpoint[name] for name in ("optim_g", "optim_d")}


_NEW_NAMES = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
}


def _renamed(state: dict[str, Tensor], module: nn.Module) -> dict[str, Tensor]:
    """The tensor names of PyTorch's old weight and spectral norm -> those of its parametrisations."""
    spectral = {name.rpartition(".")[0] for name in state if name.endswith(".weight_orig")}
    renamed = {}
    for name, tensor in state.items():
        owner, _, leaf = name.rpartition(".")
        if leaf == "weight_v" and owner in spectral:
            leaf = "parametrizations.weight.0._v"
        renamed[f"{owner}.{_NEW_NAMES.get(leaf, leaf)}"] = tensor
    return renamed
