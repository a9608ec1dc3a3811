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
from .texts import TEXTS

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
    """Lay out the row; an uploaded file is checked and named on its button at once."""
    words = {key: context.text("en", key) for key in ("clip", "upload", "reference", "bundle", "bands", "run")}
    with gr.Row(elem_id="controls"):
        example = gr.Dropdown(
            clip_titles(context, "en"),
            value=context.examples.first,
            label=words["clip"],
            container=False,
            elem_id="example",
        )
        upload = gr.UploadButton(words["upload"], elem_id="upload")  # any suffix, as DICOM may have none
        reference = gr.UploadButton(words["reference"], file_types=["audio"], elem_id="reference")
        bundle = gr.Dropdown(
            context.bundles.names,
            value=context.bundles.first,
            label=words["bundle"],
            container=False,
            visible=len(context.bundles.names) > 1,
            elem_id="bundle",
        )
        maps = gr.Dropdown(
            [(words["en"], value) for value, words in maps_words().items()],
            value=session.DEFAULT_MAPS,
            label=context.text("en", "maps"),
            container=False,
            elem_id="maps",
        )
        edit_bands = gr.Button(words["bands"], elem_id="edit-bands")
        start = gr.Button(words["run"], variant="primary", elem_id="run")
        context.stop_button("stop")
    context.localise(example, "label", "clip")
    context.localise(example, "choices", {name: f"clip_{name}" for name in context.examples.names})
    context.localise(bundle, "label", "bundle")
    context.localise(maps, "label", "maps")
    context.localise(maps, "choices", maps_words())
    for button, key in ((edit_bands, "bands"), (start, "run")):
        context.localise(button, "value", key)

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


def clip_titles(context: PageContext, language: str) -> list[tuple[str, str]]:
    """(title, name) of each example; a clip that is not embedded has its file's name."""
    return [(TEXTS[language].get(f"clip_{name}", name), name) for name in context.examples.names]


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
