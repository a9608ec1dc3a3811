"""Several fine-tuned runs of one start as one model: the mean of their weights (M. Wortsman et al., "Model soups", ICML
2022). What each has learnt stays, and what only one of them fell into goes.

    python -m training.articulation.model_soup runs=[RUN,RUN] shares=[0.7,0.3] run_dir=SOUP

RUN are run folders of training.articulation.finetune of the same image encoder and mel decoder; SOUP is one, too,
published as they are. It is evaluated on the first run's val_clips.
"""

import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.speech.voice import VoicingProbe

from ..acoustic.run import model_tensors
from ..engine.config import build, run_command
from ..engine.run_folder import read_settings, results
from ..engine.weight_averaging import mean_weights, require_shares
from .finetune import VOICE, FinetuneRun, assembled, keep_better, validate

_TAKEN = ("scaler.json", "split.json", "held_out.txt")  # from the first run
_SAME = ("model", "data", "mel", "speech")  # settings that all must share


@dataclass(frozen=True)
class ModelSoupRun:
    """runs: folders. shares: of each in the mean; they add up to 1. looks: appearances of each clip."""

    runs: tuple[str, ...]
    shares: tuple[float, ...]
    run_dir: str
    looks: int = 4


def make(run: ModelSoupRun) -> Path:
    """Write the run folder. Raises InputError if the runs do not belong together."""
    require_shares(run.runs, run.shares)
    folder, runs = Path(run.run_dir), [Path(one) for one in run.runs]
    refuse_overwriting_inputs((folder / name for name in ("best.ckpt", "settings.json")), runs)
    settings = [read_settings(one, "articulation.finetune") for one in runs]
    for one, other in zip(runs, settings, strict=True):
        if any(other.get(key) != settings[0].get(key) for key in _SAME) or not _same_split(runs[0], one):
            raise InputError("The runs {first} and {other} have not learned the same task.", first=runs[0], other=one)
    if results(folder) and _mixed(read_settings(folder, "articulation.model_soup").get("soup", {})) != _mixed(
        asdict(run)
    ):
        raise InputError("{folder} holds a run already: give another run_dir.", folder=folder)
    first = build(FinetuneRun, settings[0]["join"])
    made = assembled(first)
    made.network.model.load_state_dict(mean_weights([model_tensors(one) for one in runs], run.shares))
    voices = [VoicingProbe.from_json(json.loads((one / VOICE).read_text(encoding="utf-8"))) for one in runs]
    with torch.no_grad():
        for name, tensor in made.network.voice.named_parameters():
            mean = sum(share * getattr(voice, name) for share, voice in zip(run.shares, voices, strict=True))
            tensor.copy_(torch.from_numpy(np.asarray(mean, np.float32)))
    folder.mkdir(parents=True, exist_ok=True)
    for name in _TAKEN:
        shutil.copy(runs[0] / name, folder / name)
    write_json(folder / "settings.json", settings[0] | {"soup": asdict(run)})
    scores = validate(made.network, made.clips(first.val_clips), made.mel, made.encoder_run.size, run.looks)
    keep_better(folder, made.network, scores, 0, 0.0, -math.inf)
    print(*(f"{key} {value:.4g}" for key, value in scores.items()), flush=True)
    return folder


def _same_split(one: Path, other: Path) -> bool:
    held_out = [json.loads((run / "split.json").read_text(encoding="utf-8"))["val"] for run in (one, other)]
    return held_out[0] == held_out[1]


def _mixed(settings: dict) -> list:
    return [list(settings.get(name, ())) for name in ("runs", "shares")]


if __name__ == "__main__":
    run_command(make, ModelSoupRun, "articulation_model_soup")
