"""Weight interpolation of a fine-tuned vocoder and its start (M. Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022). What fine-tuning gave mostly stays, and what it forgot mostly comes back.

    python -m training.vocoder.weight_interpolation runs=[RUN,BUNDLE] shares=[0.5,0.5] run_dir=NEW

The first of runs is a run of training.vocoder, the others are such or bundles; NEW is a run that can be published and
started from (init_from), with the first one's discriminators. Averaged are the weights with their norm folded in.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs, write_json
from rtmri2speech.models.hifigan import Generator
from rtmri2speech.models.weights import read_checkpoint
from rtmri2speech.spec import MelSpec

from ..engine.checkpoint import newest_whole
from ..engine.config import run_command
from ..engine.run_folder import SETTINGS, read_settings, results
from ..engine.weight_averaging import mean_weights, require_shares
from .checkpoints import checkpoints, load_run, read_vocoder, save_checkpoint
from .initialisation import unfolded


@dataclass(frozen=True)
class WeightInterpolationRun:
    """runs: folders. shares: of each in the mean; they add up to 1."""

    runs: tuple[str, ...]
    shares: tuple[float, ...]
    run_dir: str


def make(run: WeightInterpolationRun) -> Path:
    """Write the run folder. Raises InputError if the vocoders are not of one kind."""
    require_shares(run.runs, run.shares)
    folder, runs = Path(run.run_dir), [Path(one) for one in run.runs]
    refuse_overwriting_inputs([folder / SETTINGS, folder / "checkpoints"], runs)
    if results(folder):
        raise InputError("{folder} holds a run already: give another run_dir.", folder=folder)
    settings = read_settings(runs[0], "vocoder")
    vocoders = [(load_run(runs[0]), settings), *map(read_vocoder, runs[1:])]
    kinds = [(g.to_json(), MelSpec.from_json(its["mel"]), its.get("vocoder_input")) for g, its in vocoders]
    for other, kind in zip(runs, kinds, strict=True):
        if kind != kinds[0]:
            raise InputError("The vocoders of {first} and {other} are of different kinds.", first=runs[0], other=other)
    mean = vocoders[0][0]
    if not isinstance(mean, Generator):
        raise InputError("{run} is not a run of a HiFi-GAN: only its weights are interpolated.", run=runs[0])
    mean.load_state_dict(mean_weights([generator.state_dict() for generator, _ in vocoders], run.shares))
    begun = read_checkpoint(newest_whole(reversed(checkpoints(runs[0]))))["discriminators"]
    save_checkpoint(folder, {"step": 0, "generator": unfolded(mean), "discriminators": begun}, keep=1)
    write_json(folder / SETTINGS, settings | {"soup": asdict(run)})
    return folder


if __name__ == "__main__":
    run_command(make, WeightInterpolationRun, "vocoder_weight_interpolation")
