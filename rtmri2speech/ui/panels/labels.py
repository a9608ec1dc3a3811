"""The panel "Labels": edit and save a TextGrid of the clip on display."""

from pathlib import Path

import gradio as gr

from ...labels.annotation import moved_boundary, renamed, tier_of, with_boundary, without_boundary
from ...labels.textgrid import read_intervals, read_remarks, write_tiers
from ..page_context import PageContext

_BOUNDARIES = {"add": with_boundary, "move": moved_boundary, "remove": without_boundary}


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""

    def button(key: str, **looks) -> gr.Button:
        return context.button(f"labels_{key}", scale=0, elem_id=f"labels-{key}", **looks)

    def labelled(kind: type, key: str, **options):
        return context.worded(kind, {"label": f"labels_{key}"}, elem_id=f"labels-{key}", **options)

    context.note("labels_intro")
    with gr.Row(elem_classes="act"):
        text = labelled(gr.Textbox, "text", max_length=200, min_width=140, scale=1)
        buttons = {key: button(key, size="sm", min_width=210) for key in ("name", "remark", "unremark")}
    with gr.Row(elem_classes="act"):
        buttons |= {key: button(key, size="sm", min_width=210) for key in _BOUNDARIES}
    with gr.Row(elem_classes="act"):
        opened = labelled(gr.UploadButton, "open", file_types=[".TextGrid"], scale=0, min_width=240)
        save = button("save", variant="primary", min_width=240)
        saved = labelled(gr.File, "saved", visible=False)

    shown = {"outputs": [context.view, context.result], "show_progress": "hidden", **context.private}
    edits = [(button.click, key) for key, button in buttons.items()]
    for event, key in (*edits, (text.submit, "name")):
        inputs = [context.explorer_state, context.result, text, context.language]
        event(context.guard_result(_edit(key)), inputs, js=context.explorer_state_js, **shown)

    @context.guard_result
    def read(file, result, language):
        path = Path(file)
        labels, remarks = tier_of(read_intervals(path), result.ends_s), read_remarks(path)
        changed = result.relabelled(lambda *_: (labels, remarks))
        return changed.change_of(result), changed

    @context.guard_result
    def write(result, language):
        end_s = result.ends_s
        path = context.folder() / f"{result.name}.TextGrid"
        write_tiers(path, tier_of(result.labels, end_s), result.remarks, 0.0, end_s)
        return gr.update(value=str(path), visible=True)

    opened.upload(read, [opened, context.result, context.language], **shown)
    save.click(write, [context.result, context.language], saved, **context.private)
    context.result.change(lambda: gr.update(value=None, visible=False), None, saved, **context.at_once)


def _edit(what: str):
    """The handler of one button."""

    def edit(explorer_state, result, text, language):
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
