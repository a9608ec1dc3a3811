"""How far in time the sound came from: the explorer's strip asks when it is switched on (explorer/temporal.js)."""

import gradio as gr

from .explorer.payload import reach_told
from .page_context import Desk

_FOUND_JS = """(found) => {
    document.querySelector("#explorer .explorer")?.dispatchEvent(new CustomEvent("reach-found", {detail: found}));
}"""


def build(desk: Desk) -> None:
    """To be called after the explorer."""
    found = gr.JSON(visible=False)
    asked = gr.Button(elem_id="reach-asked")  # never seen

    @desk.guard
    def find(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            return None
        tell = desk.progress(request, language, progress)
        return reach_told(result.reached(desk.bundle_of(result), tell), result.name)

    finding = asked.click(find, [desk.result, desk.language], found, show_progress="hidden", **desk.queued)
    desk.stoppable(asked.click, finding)
    finding.success(None, found, js=_FOUND_JS, **desk.private)
    finding.failure(None, js="() => (" + _FOUND_JS + ")(null)", **desk.private)
