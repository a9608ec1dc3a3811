"""The command line: python -m rtmri2speech COMMAND --help

Bad input ends with exit code 2 and one line on stderr. Heavy packages are imported inside the commands, so that --help
answers at once.
"""

from collections.abc import Callable

from . import batch, bundles, explain, faithfulness, finetune, page, regions, speech, survey, temporal, video
from .options import ManyFrames
from .terminal import new_app, renamed, run

app = new_app(
    name="rtmri2speech",
    help="From real-time MRI of a speaking vocal tract to speech, with attribution maps of formant bands.",
    no_args_is_help=True,
)
COMMANDS: tuple[Callable, ...] = (
    speech.synth,
    explain.gradcam,
    explain.export,
    explain.segment,
    faithfulness.faithfulness,
    temporal.temporal,
    batch.batch,
    survey.survey,
    video.slowmo,
    video.overlay,
    video.mask,
    regions.regions,
    speech.evaluate,
    bundles.info,
    bundles.convert,
    bundles.adapt,
    finetune.finetune,
    speech.restore,
    page.app,
)
RENAMED: dict[str, Callable] = {
    "trust": faithfulness.faithfulness,
    "reach": temporal.temporal,
}  # former name -> command
for command in COMMANDS:
    app.command(cls=ManyFrames if command is explain.gradcam else None)(command)
for name, present in RENAMED.items():
    app.command(name, hidden=True)(renamed(name, present))


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for bad input, 130 when stopped by the user."""
    return run(app, arguments, "rtmri2speech")
