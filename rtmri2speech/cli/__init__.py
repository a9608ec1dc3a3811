"""The command line: python -m rtmri2speech COMMAND --help

Bad input ends with exit code 2 and one line on stderr. Heavy packages are imported inside the commands, so that --help
answers at once.
"""

from . import batch, bundles, explain, faithfulness, morph, page, regions, speech, survey, temporal, video
from .options import ManyFrames
from .terminal import new_app, run

app = new_app(
    name="rtmri2speech",
    help="From a real-time MRI clip of a speaking vocal tract to speech, and to what drove each formant band.",
    no_args_is_help=True,
)
app.command()(speech.synth)
app.command(cls=ManyFrames)(explain.gradcam)
app.command()(explain.export)
app.command()(explain.segment)
app.command()(faithfulness.trust)
app.command()(temporal.reach)
app.command()(morph.morph)
app.command()(batch.batch)
app.command()(survey.survey)
app.command()(video.slowmo)
app.command()(video.overlay)
app.command()(video.mask)
app.command()(regions.regions)
app.command()(speech.evaluate)
app.command()(bundles.info)
app.command()(bundles.convert)
app.command()(bundles.adapt)
app.command()(speech.restore)
app.command()(page.app)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for bad input, 130 when stopped by the user."""
    return run(app, arguments, "rtmri2speech")
