"""The panel "Labels": edit and save a TextGrid of the clip on display."""

from pathlib import Path

import gradio as gr

from ...labels.annotation import moved_boundary, renamed, tier_of, with_boundary, without_boundary
from ...labels.textgrid import read_intervals, read_remarks, write_tiers
from ..page_context import PageContext
from ..session import Result

_BOUNDARIES = {"add": with_boundary, "move": moved_boundary, "remove": without_boundary}


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    words = lambda key: context.text("en", f"labels_{key}")  # noqa: E731
    intro = gr.Markdown(words("intro"), elem_classes="note", container=False)
    buttons = {}
    with gr.Row(elem_classes="act"):
        text = gr.Textbox(label=words("text"), max_length=200, min_width=140, scale=1, elem_id="labels-text")
        for key in ("name", "remark", "unremark"):
            buttons[key] = gr.Button(words(key), size="sm", min_width=210, scale=0, elem_id=f"labels-{key}")
    with gr.Row(elem_classes="act"):
        for key in _BOUNDARIES:
            buttons[key] = gr.Button(words(key), size="sm", min_width=210, scale=0, elem_id=f"labels-{key}")
    with gr.Row(elem_classes="act"):
        opened = gr.UploadButton(words("open"), file_types=[".TextGrid"], scale=0, min_width=240, elem_id="labels-open")
        save = gr.Button(words("save"), variant="primary", scale=0, min_width=240, elem_id="labels-save")
        saved = gr.File(label=words("saved"), visible=False, elem_id="labels-saved")
    context.localise(intro, "value", "labels_intro")
    for component, key in ((text, "text"), (opened, "open"), (saved, "saved")):
        context.localise(component, "label", f"labels_{key}")
    for key, button in {**buttons, "save": save}.items():
        context.localise(button, "value", f"labels_{key}")

    shown = {"outputs": [context.view, context.result], "show_progress": "hidden", **context.private}
    for key, button in buttons.items():
        inputs = [context.explorer_state, context.result, text, context.language]
        button.click(context.guard(_edit(context, key)), inputs, js=context.explorer_state_js, **shown)
    text.submit(
        context.guard(_edit(context, "name")),
        [context.explorer_state, context.result, text, context.language],
        js=context.explorer_state_js,
        **shown,
    )

    @context.guard
    def read(file, result, language):
        result = _there(context, result, language)
        path = Path(file)
        labels, remarks = tier_of(read_intervals(path), result.ends_s), read_remarks(path)
        changed = result.relabelled(lambda *_: (labels, remarks))
        return changed.change_of(result), changed

    @context.guard
    def write(result, language):
        result = _there(context, result, language)
        end_s = result.ends_s
        path = context.folder() / f"{result.name}.TextGrid"
        write_tiers(path, tier_of(result.labels, end_s), result.remarks, 0.0, end_s)
        return gr.update(value=str(path), visible=True)

    opened.upload(read, [opened, context.result, context.language], **shown)
    save.click(write, [context.result, context.language], saved, **context.private)
    context.result.change(lambda: gr.update(value=None, visible=False), None, saved, **context.at_once)


def _edit(context: PageContext, what: str):
    """The handler of one button."""

    def edit(explorer_state, result, text, language):
        result = _there(context, result, language)
        frame, fps = int(explorer_state["frame"]), result.analysis.fps
        at_s, middle_s = frame / fps, (frame + 0.5) / fps

        def changed(tier, remarks):
            if what == "name":
                return renamed(tier, middle_s, text), remarks
            if what in _BOUNDARIES:
                return _BOUNDARIES[what](tier, at_s), remarks
            others = [one for one in remarks if int(one[0] * fps + 1e-6) != frame]
            if what == "remark" and text.strip():
                others.append((at_s, text.strip()))
            return tier, tuple(sorted(others))

        made = result.relabelled(changed)
        return made.change_of(result), made

    return edit


def _there(context: PageContext, result: Result | None, language: str) -> Result:
    if result is None:
        raise gr.Error(
            context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
        )
    return result
