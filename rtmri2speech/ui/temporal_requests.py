"""Temporal attribution, requested by the explorer's strip when it is switched on (explorer/temporal.js)."""

import gradio as gr

from .explorer.payload import temporal_payload
from .page_context import PageContext

_FOUND_JS = """(found) => {
    document.querySelector("#explorer .explorer")?.dispatchEvent(new CustomEvent("reach-found", {detail: found}));
}"""


def build(context: PageContext) -> None:
    """To be called after the explorer."""
    found = gr.JSON(visible=False)
    asked = gr.Button(elem_id="reach-asked")  # never seen

    @context.guard
    def find(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            return None
        tell = context.progress(request, language, progress)
        return temporal_payload(result.reached(context.bundle_of(result), tell), result.name)

    finding = context.work(asked.click, find, [context.result, context.language], found, show_progress="hidden")
    finding.success(None, found, js=_FOUND_JS, **context.private)
    finding.failure(None, js="() => (" + _FOUND_JS + ")(null)", **context.private)
