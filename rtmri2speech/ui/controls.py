"""Controls before a clip is opened (clip, reference speech, bundle, maps), and the buttons that start and stop."""

import html
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from ..attribution.methods import method_of, parse_method
from ..errors import InputError
from ..speech.audio import read_audio
from . import session
from .page_context import PageContext
from .reference_row import sentence

PENDING_JS = "() => {{ document.body.classList.toggle('pending', {}); }}"  # chosen, but not yet shown


@dataclass(frozen=True)
class Controls:
    example: gr.Dropdown
    upload: gr.UploadButton
    reference: gr.UploadButton
    bundle: gr.Dropdown
    maps: gr.Dropdown
    edit_bands: gr.Button
    start: gr.Button


def build(context: PageContext) -> Controls:
    """Lays out the row; a file that was given is checked and named on its button at once."""
    with gr.Row(elem_id="controls"):
        clips = {name: f"clip_{name}" for name in context.examples.names}
        words = {"label": "clip", "choices": clips}
        example = context.worded(gr.Dropdown, words, value=context.examples.first, container=False, elem_id="example")
        upload = gr.UploadButton(context.text("en", "upload"), elem_id="upload")  # DICOM has no suffix: any file
        reference = gr.UploadButton(context.text("en", "reference"), file_types=["audio"], elem_id="reference")
        bundle = context.worded(
            gr.Dropdown,
            {"label": "bundle"},
            context.bundles.names,
            value=context.bundles.first,
            container=False,
            visible=len(context.bundles.names) > 1,
            elem_id="bundle",
        )
        words = {"label": "maps", "choices": maps_words()}
        maps = context.worded(gr.Dropdown, words, value=session.DEFAULT_MAPS, container=False, elem_id="maps")
        edit_bands = context.button("bands", elem_id="edit-bands")
        start = context.button("run", variant="primary", elem_id="run")
        context.stop_button("stop")

    def opened(file, language):
        """The clip's name in place of the example's, without another clip's sound; a file that is no clip is refused
        at once."""
        try:
            session.check_clip(Path(file), context.limits)
        except (InputError, MemoryError) as error:
            gr.Warning(html.escape(context.message(error, language), quote=False))
            return gr.update(value=None, label=context.text(language, "upload")), gr.skip(), gr.skip()
        no_sound = gr.update(value=None, label=context.text(language, "reference"))
        return named(context, file, language, "upload"), None, no_sound

    upload.upload(
        opened,
        [upload, context.language],
        [upload, example, reference],
        show_progress="hidden",
        concurrency_limit=8,
        **context.private,
    ).then(None, upload, js="(clip) => { document.body.classList.toggle('pending', !!clip); }", **context.private)
    reference.upload(None, js=PENDING_JS.format("true"), **context.private)
    reference.upload(
        lambda *given: _sound_given(context, *given),
        [reference, example, upload, context.result, context.language],
        reference,
        show_progress="hidden",
        concurrency_limit=8,
        **context.private,
    )
    bundle.select(None, js=PENDING_JS.format("true"), **context.private)
    return Controls(example, upload, reference, bundle, maps, edit_bands, start)


def maps_words() -> dict[str, dict[str, str]]:
    """Each choice of maps -> language -> the method's name and resolution."""
    words = {}
    for value in session.maps_offered():
        name, resolution = parse_method(value)
        method = method_of(name)
        cells = resolution or method.resolution
        ending = f" ({cells} × {cells})" if cells else ""
        words[value] = {language: f"{label}{ending}" for language, label in method.label.items()}
    return words


def _sound_given(
    context: PageContext, file: str, example: str | None, upload: str | None, shown: session.Result | None, language
):
    """The sound's name on its button, and whether it fits the clip, if that is shown already. A file that is no sound
    is refused at once."""
    try:
        sound = read_audio(Path(file))
    except InputError as error:
        gr.Warning(html.escape(context.message(error, language), quote=False))
        return named(context, None, language, "reference") | {"value": None}
    clip = Path(upload) if upload else context.examples.path(example) if example else None
    if shown is not None and shown.source == clip and shown.whole_s is None:
        tried = replace(shown, given=sound, reference=sound, reference_source=Path(file), shift_ms=0.0)
        gr.Info(html.escape(sentence(context, tried, language)[0].replace("**", ""), quote=False))
    return named(context, file, language, "reference")


def named(context: PageContext, file: str | None, language: str, key: str) -> dict:
    """An upload button's label: the name of its file, or its purpose."""
    return gr.update(label=Path(file).name if file else context.text(language, key))
