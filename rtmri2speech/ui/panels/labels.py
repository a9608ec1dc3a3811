"""The panel "Labels": a TextGrid for the clip that is shown, edited at the frame that is shown, and saved."""

from pathlib import Path

import gradio as gr

from ...labels.annotation import moved_boundary, renamed, tier_of, with_boundary, without_boundary
from ...labels.textgrid import read_intervals, read_remarks, write_tiers
from ..handlers import Result
from ..page_context import Desk

_BOUNDARIES = {"add": with_boundary, "move": moved_boundary, "remove": without_boundary}


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""
    words = lambda key: desk.text("en", f"labels_{key}")  # noqa: E731
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
    desk.localise(intro, "value", "labels_intro")
    for component, key in ((text, "text"), (opened, "open"), (saved, "saved")):
        desk.localise(component, "label", f"labels_{key}")
    for key, button in {**buttons, "save": save}.items():
        desk.localise(button, "value", f"labels_{key}")

    shown = {"outputs": [desk.view, desk.result], "show_progress": "hidden", **desk.private}
    for key, button in buttons.items():
        inputs = [desk.moment, desk.result, text, desk.language]
        button.click(desk.guard(_edit(desk, key)), inputs, js=desk.moment_js, **shown)
    text.submit(
        desk.guard(_edit(desk, "name")), [desk.moment, desk.result, text, desk.language], js=desk.moment_js, **shown
    )

    @desk.guard
    def read(file, result, language):
        result = _there(desk, result, language)
        path = Path(file)
        labels, remarks = tier_of(read_intervals(path), result.ends_s), read_remarks(path)
        changed = result.relabelled(lambda *_: (labels, remarks))
        return changed.change_of(result), changed

    @desk.guard
    def write(result, language):
        result = _there(desk, result, language)
        end_s = result.ends_s
        path = desk.folder() / f"{result.name}.TextGrid"
        write_tiers(path, tier_of(result.labels, end_s), result.remarks, 0.0, end_s)
        return gr.update(value=str(path), visible=True)

    opened.upload(read, [opened, desk.result, desk.language], **shown)
    save.click(write, [desk.result, desk.language], saved, **desk.private)
    desk.result.change(lambda: gr.update(value=None, visible=False), None, saved, **desk.at_once)


def _edit(desk: Desk, what: str):
    """The handler of one button."""

    def edit(moment, result, text, language):
        result = _there(desk, result, language)
        frame, fps = int(moment["frame"]), result.analysis.fps
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


def _there(desk: Desk, result: Result | None, language: str) -> Result:
    if result is None:
        raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
    return result
