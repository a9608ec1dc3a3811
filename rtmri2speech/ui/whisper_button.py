"""Under the explorer: that pitch is chosen, and a button between the chosen voice and a whisper."""

import gradio as gr

from ..models.bundle import Bundle
from ..speech.voice import Voice
from .page_context import PageContext
from .resynthesis import resynthesise
from .session import Result


def build(context: PageContext) -> None:
    """Lays out the note and the button, and connects it."""
    with gr.Row():
        context.note("pitch_is_chosen")
        button = context.button("whisper_or_voice", size="sm", scale=0, min_width=160, elem_id="whisper-or-voice")

    @context.guard_result
    def speak(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        bundle, tell = context.bundles.load(result.bundle_name), context.progress(request, language, progress)
        made = resynthesise(bundle, result, other_voice(bundle, result), result.fitted is not None, tell)
        return made.result.payload, made.result

    context.work(button.click, speak, [context.result, context.language], [context.view, context.result])


def other_voice(bundle: Bundle, result: Result) -> Voice | None:
    """A whisper of what is spoken; of what is whispered the bundle's default, or a falling voice."""
    if result.analysis.f0_hz is not None:
        return Voice(whisper=True)
    return None if bundle.voice and not bundle.voice.default_voice().whisper else Voice()
