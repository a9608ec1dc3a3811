"""A run of training.segmentation -> a segmenter's folder with its MODEL_CARD.md.

python -m training.publish.segmenter RUN -o FOLDER
python -m training.evaluation.regions CORPUS --segmenter FOLDER --json figures.json
python -m training.publish.segmenter RUN -o assets/models/regions --judged figures.json --reproduce commands.txt
"""

import json
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from rtmri2speech.anatomy.network import Segmenter, SegmenterConfig
from rtmri2speech.anatomy.segmenter_bundle import SegmenterBundle
from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.models.weights import load_exactly

from ..engine.console import plain_errors
from ..engine.run_folder import read_settings
from ..evaluation.regions import tables
from ..segmentation.train import read_newest

_CARD = """# {name}

Finds tongue, lips, velum, jaw, hard palate, pharynx wall, larynx with epiglottis, airway, brain and spine in every
frame of a mid-sagittal real-time MRI clip, of any scanner: a U-Net of {parameters:,} parameters on {size} px pictures,
which looks at the whole head first and then at the tract.

## Data

No recording of a person. {speakers} phantom heads (VocalTractLab's one speaker scaled, with varied faces, lips, chins
and necks), {each} postures each, as label maps; every picture that was learned is coloured anew: each tissue's
brightness, the view (from the mouth alone to more than the whole head), shape, coil, resolution (44 to 170 pixels
across), k-space, noise and gamma drawn at random (SynthSeg: Billot et al., Medical Image Analysis 86 (2023) 102789).
{negative:.0%} of the pictures show no head in profile that looks left, and have no regions.

## Training

{step:,} steps of {batch} pictures, AdamW {learning_rate:g}, cosine; the mean of the weights is kept.

## Metrics

{metrics}

## Limits

Trained on phantoms alone: regions follow VocalTractLab's anatomy. The tongue ends at a line from the lower teeth to
the hyoid, without the muscles of the mouth's floor; the larynx is a rough shape; in the nose only the larger air spaces
are found. Brain and spine are found once for the clip, and drawn where they should be even where the coil shows hardly
any of them. The tip of the tongue against the teeth, and lips as dark as the air, are guessed. No real clip was
labelled by hand: on real scanners its accuracy was judged by eye alone. Not for medical use.

## Licence

That of the project (MIT). The label maps were made with VocalTractLab (GPL-3), of which no part is contained.

## How to reproduce

{reproduce}
"""


def read_run(run: Path) -> tuple[Segmenter, dict]:
    """The averaged network of a run's newest checkpoint, and its settings with the step it stands at.

    Raises InputError if the folder is not a run with a checkpoint.
    """
    settings = read_settings(run, "segmentation")
    network = Segmenter(SegmenterConfig(settings["size"], tuple(settings["widths"]), settings["fold"]))
    state = read_newest(run)
    load_exactly(network, state["averaged"], str(run))
    return network, {k: v for k, v in settings.items() if k not in ("run_dir", "maps")} | {"step": state["step"]}


def model_card(name: str, network: Segmenter, training: dict, figures: dict | None, reproduce: str) -> str:
    """MODEL_CARD.md. figures: what training.evaluation.regions wrote, if it has judged."""
    parameters = sum(p.numel() for p in network.parameters())
    metrics = tables(figures) if figures else "Not evaluated yet: python -m training.evaluation.regions."
    if figures:
        metrics = f"Phantom speakers that were never seen; variants as in training.evaluation.domain_shift. {metrics}"
    return _CARD.format(name=name, parameters=parameters, metrics=metrics.strip(), reproduce=reproduce, **training)


def command(
    run: Annotated[Path, Argument(metavar="RUN", help="A run folder of training.segmentation.")],
    output: Annotated[Path, Option("-o", "--output", help="Folder to make.")],
    name: Annotated[str | None, Option(help="Default: the name of the folder.")] = None,
    judged: Annotated[
        Path | None, Option("--judged", help="JSON of training.evaluation.regions, for the card.")
    ] = None,
    reproduce: Annotated[Path | None, Option("--reproduce", help="Text file: the commands, for the card.")] = None,
) -> None:
    """Make a folder for rtmri2speech.anatomy, with its model card."""
    with plain_errors():
        refuse_overwriting_inputs([output, output / "MODEL_CARD.md"], [run, judged, reproduce])
        network, training = read_run(run)
        try:
            figures = json.loads(judged.read_text(encoding="utf-8")) if judged else None
            commands = reproduce.read_text(encoding="utf-8").strip() if reproduce else "See docs/training.md."
            card = model_card(name or output.name, network, training, figures, commands)
        except (OSError, ValueError, KeyError) as error:
            raise InputError("The card cannot be written: {reason}.", reason=error) from None
        SegmenterBundle(name or output.name, network, training).save(output, card=card)
    print(f"{output} is ready: python -m rtmri2speech regions CLIP -o OUT.mp4")


if __name__ == "__main__":
    typer.run(command)
