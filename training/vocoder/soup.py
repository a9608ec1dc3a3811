"""A fine-tuned vocoder and its start as one: the mean of their weights (M. Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022). What fine-tuning gave mostly stays, and what it forgot mostly comes back.

    python -m training.vocoder.soup runs=[RUN,BUNDLE] shares=[0.5,0.5] run_dir=SOUP

The first of runs is a run of training.vocoder, the others are such or bundles; SOUP is a run that can be published and
started from. Averaged are the weights with their norm folded in.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from rtmri2speech.atomic import never_onto, write_json
from rtmri2speech.errors import InputError
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.models.weights import read_checkpoint

from ..publish import read_vocoder
from ..run_folder import SETTINGS, read_settings
from ..settings import run_command
from .run import checkpoints, load_run, save_checkpoint
from .start import unfolded

_SAME = ("mel", "generator", "vocoder_input")  # settings that all must share


@dataclass(frozen=True)
class VocoderSoup:
    """runs: folders. shares: of each in the mean; they add up to 1."""

    runs: tuple[str, ...]
    shares: tuple[float, ...]
    run_dir: str


def make(soup: VocoderSoup) -> Path:
    """Write the run folder. Raises InputError if the vocoders are not of one kind."""
    if len(soup.runs) != len(soup.shares) or not math.isclose(sum(soup.shares), 1, abs_tol=1e-6):
        raise InputError("Give each run a share; together they are 1.")
    folder, runs = Path(soup.run_dir), [Path(run) for run in soup.runs]
    never_onto([folder / SETTINGS, folder / "checkpoints"], runs)
    settings = read_settings(runs[0], "vocoder")
    first = load_run(runs[0])
    vocoders = [(first, settings), *(read_vocoder(run) for run in runs[1:])]
    for run, (_, its) in zip(runs, vocoders, strict=True):
        if any(_plain(its[key]) != _plain(settings[key]) for key in _SAME):
            raise InputError("The vocoders of {first} and {other} are of different kinds.", first=runs[0], other=run)
    weights = [generator.state_dict() for generator, _ in vocoders]
    mean = Generator(GeneratorConfig.from_json(settings["generator"])).fold_weight_norm()
    mean.load_state_dict(
        {
            name: torch.stack([s * w[name].float() for s, w in zip(soup.shares, weights, strict=True)]).sum(dim=0)
            for name in weights[0]
        }
    )
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    begun = read_checkpoint(checkpoints(runs[0])[-1])
    save_checkpoint(folder, begun | {"generator": unfolded(mean)}, keep=1)
    write_json(folder / SETTINGS, settings | {"soup": asdict(soup)})
    return folder


def _plain(value: object) -> object:
    return json.loads(json.dumps(value))


if __name__ == "__main__":
    run_command(make, VocoderSoup, "vocoder_soup")
