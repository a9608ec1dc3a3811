"""A run of training.restore -> a bundle for `restore --bundle`.

python -m training.publish.restoration RUN -o FOLDER [--name NAME] [--half]
"""

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.hifigan import Generator, GeneratorConfig
from rtmri2speech.restore.encoder import AdaptedEncoder, load_hubert
from rtmri2speech.restore.model import RestorationBundle, Restorer

from ..engine.console import plain_errors
from ..engine.run_folder import read_settings
from ..restore.config import STAGES
from ..restore.learner import run_state


def publish(run: Path, output: Path, name: str, *, half: bool) -> RestorationBundle:
    """Write the newest state of a run as a bundle folder. Raises InputError if it is no run, or its encoder is gone."""
    settings, state = read_settings(run, "restore"), run_state(run)
    hubert, normalise = load_hubert(settings["encoder"])
    encoder = AdaptedEncoder(hubert, settings["tap"], settings["bottleneck"], normalise)
    model = Restorer(encoder, Generator(GeneratorConfig.from_json(settings["vocoder"])), settings["rate"])
    parts = {
        "adapters": (model.encoder.adapters, "model.encoder.adapters."),
        "vocoder": (model.vocoder, "model.vocoder."),
    }
    for what, (module, prefix) in parts.items():
        tensors = {k.removeprefix(prefix): v for k, v in state["state_dict"].items() if k.startswith(prefix)}
        try:
            module.load_state_dict(tensors)
        except RuntimeError:
            raise InputError("The {what} in {run} do not fit its settings.", what=what, run=run) from None
    steps = dict(zip(STAGES, state["state_dict"]["done"].tolist(), strict=True))
    training = {
        "steps": steps,
        "encoder": Path(settings["encoder"]).name,
        "encoder_sha256": state["encoder_sha256"],
        "sources": sorted(settings["sources"]),
        "degradation": {k: v for k, v in settings["degradation"].items() if k != "noise_folder"},
    }
    description = f"Miipher-2 style restoration, {sum(steps.values())} steps"
    bundle = RestorationBundle(name, model, description, training)
    bundle.save(output, half=half)
    return bundle


def command(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder of training.restore.")],
    output: Annotated[Path, Option("-o", "--output", help="Bundle folder to make.")],
    name: Annotated[str | None, Option(help="The bundle's name; default: the folder's.")] = None,
    half: Annotated[bool, Option("--half", help="Store the weights as float16.")] = False,
) -> None:
    """Make a bundle for `python -m rtmri2speech restore --bundle`."""
    with plain_errors():
        refuse_overwriting_inputs([output], [run])
        publish(run, output, name or output.name, half=half)
        print(f"{output}: restoration bundle")


if __name__ == "__main__":
    typer.run(command)
