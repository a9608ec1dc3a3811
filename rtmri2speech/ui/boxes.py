"""Any sound, asked for at the point: a box drawn on a spectrogram becomes a band of its own."""

import gradio as gr

from ..errors import InputError
from ..spec import Band
from .desk import Desk

_ASKED_JS = (
    """(_, ...rest) => [JSON.parse(document.querySelector("#explorer .explorer")?.dataset.box ?? "null"), ...rest]"""
)


def build(desk: Desk) -> None:
    """Lays out the button that removes boxes; only seen while there are some. To be called after the explorer."""
    drawn = gr.JSON(visible=False)
    asked = gr.Button(elem_id="box-asked")  # never seen
    remove = gr.Button(desk.text("en", "box_remove"), visible=False, size="sm", elem_id="box-remove")
    desk.localise(remove, "value", "box_remove")

    @desk.guard
    def explain(box, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None or box is None:
            return gr.skip(), gr.skip()
        tell = desk.progress(request, language, progress)
        changed = result.with_box(desk.bundle_of(result), band_of(box), tell)
        return changed.payload, changed

    @desk.guard
    def forget(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        tell = desk.progress(request, language, progress)
        changed = result.without_boxes(desk.bundle_of(result), tell)
        return changed.payload, changed

    shown = {"outputs": [desk.view, desk.result], "show_progress_on": desk.view, **desk.queued}
    explaining = asked.click(explain, [drawn, desk.result, desk.language], js=_ASKED_JS, **shown)
    desk.stoppable(asked.click, explaining)
    forgetting = remove.click(forget, [desk.result, desk.language], **shown)
    desk.stoppable(remove.click, forgetting)
    desk.result.change(_offered, desk.result, remove, **desk.at_once)


def _offered(result) -> dict:
    return gr.update(visible=bool(result) and any(band.from_s is not None for band in result.analysis.bands))


def band_of(box: dict) -> Band:
    """What box.js sends -> a box named by its stretch. Raises InputError."""
    try:
        low, high, start, end = (float(box[key]) for key in ("low_hz", "high_hz", "from_s", "to_s"))
    except (KeyError, TypeError, ValueError):
        raise InputError("Drag a rectangle on a spectrogram, with Alt held down.") from None
    return Band(f"{start:.2f}-{end:.2f}s", low, high, start, end)
