"""The panel "Trust": the faithfulness report on the maps of the clip on display."""

import gradio as gr

from ...evaluation.faithfulness import FaithfulnessReport
from ..faithfulness_report import faithfulness_report, temporal_report
from ..page_context import PageContext
from ..session import Result


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(context.text("en", "trust_intro"), elem_classes="note", container=False)
    with gr.Row(elem_classes="act"):
        run = gr.Button(context.text("en", "trust_run"), variant="primary", scale=0, min_width=180, elem_id="trust-run")
        far = gr.Button(context.text("en", "trust_reach"), scale=0, min_width=180, elem_id="reach-run")
        context.stop_button("trust-stop")
    report = gr.HTML(elem_id="trust-report", elem_classes="report")
    reached = gr.HTML(elem_id="reach-report", elem_classes="report")
    context.localise(intro, "value", "trust_intro")
    context.localise(far, "value", "trust_reach")
    context.localise(run, "value", "trust_run")

    @context.guard
    def judge_maps(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
        tell = context.progress(request, language, progress)
        return _report(result, result.judged(context.bundle_of(result), tell))

    running = run.click(
        judge_maps, [context.result, context.language], report, show_progress_on=report, **context.queued
    )
    context.stoppable(run.click, running)

    @context.guard
    def reach_of(explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
        made = result.reached(context.bundle_of(result), context.progress(request, language, progress))
        return temporal_report(made, int(explorer_state["frame"]), context.folder())

    reaching = far.click(
        reach_of,
        [context.explorer_state, context.result, context.language],
        reached,
        js=context.explorer_state_js,
        show_progress_on=reached,
        **context.queued,
    )
    context.stoppable(far.click, reaching)

    def new_clip(result):
        return _report(result, result.card) if result and result.card else "", ""

    context.result.change(
        new_clip, context.result, [report, reached], queue=False, show_progress="hidden", **context.private
    )


def _report(result: Result, card: FaithfulnessReport) -> str:
    return faithfulness_report(card, [band.name for band in result.analysis.bands if band.name not in card.bands])
