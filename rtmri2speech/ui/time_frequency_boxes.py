"""Time-frequency regions drawn on a spectrogram, and contrasts of two intervals, as further targets."""

import gradio as gr

from ..errors import InputError
from ..spec import Band
from .page_context import PageContext

_ASKED_JS = (
    """(_, ...rest) => [JSON.parse(document.querySelector("#explorer .explorer")?.dataset.box ?? "null"), ...rest]"""
)


def build(context: PageContext) -> None:
    """Lay out the button that removes all boxes, visible while there are any. To be called after the explorer."""
    given = gr.JSON(visible=False)
    asked, whole = (gr.Button(elem_id=name) for name in ("box-asked", "whole-asked"))  # never seen
    remove = context.button("box_remove", visible=False, size="sm", elem_id="box-remove")

    @context.guard
    def explain(given, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None or given is None:
            return gr.skip(), gr.skip()
        tell, bundle = context.progress(request, language, progress), context.bundle_of(result)
        if "forget" in given:
            changed = result.without_boxes(str(given["forget"]))
        elif "energy" in given:
            changed = result.with_energy(bundle, str(given["energy"]), tell)
        else:
            changed = result.with_box(bundle, band_of(given), tell)
        return changed.change_of(result), changed

    @context.guard
    def forget(result, language):
        changed = result.without_boxes()
        return changed.change_of(result), changed

    shown = {"outputs": [context.view, context.result], "show_progress_on": context.view}
    context.work(asked.click, explain, [given, context.result, context.language], js=_ASKED_JS, **shown)
    context.work(remove.click, forget, [context.result, context.language], **shown)
    # For a patch of something else than the page shows: explorer.js.
    whole.click(lambda result: result.payload if result else gr.skip(), context.result, context.view, **context.private)
    context.result.change(_offered, context.result, remove, **context.at_once)


def _offered(result) -> dict:
    return gr.update(visible=bool(result) and any(band.from_s is not None for band in result.analysis.bands))


def band_of(given: dict) -> Band:
    """The request of time_frequency_box.js and custom_targets.js -> a box or a contrast, named by times and
    frequencies. Raises InputError."""
    keys = ["low_hz", "high_hz", "from_s", "to_s"] + ["than_from_s", "than_to_s"] * ("than_from_s" in given)
    try:
        low, high, *times = (float(given[key]) for key in keys)
    except (KeyError, TypeError, ValueError):
        raise InputError("Drag a rectangle on a spectrogram, with Alt held down.") from None
    spans = [f"{start:.2f}-{end:.2f}" for start, end in zip(times[::2], times[1::2], strict=True)]
    return Band(f"{'_'.join(spans)}s_{low:.0f}-{high:.0f}", low, high, *times)
