"""The panel "Trust": the faithfulness report on the maps of the clip on display."""

import gradio as gr

from ...evaluation.faithfulness import FaithfulnessReport
from ..faithfulness_report import faithfulness_report, temporal_report
from ..page_context import PageContext
from ..session import Result


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    context.note("trust_intro")
    with gr.Row(elem_classes="act"):
        run = context.button("trust_run", variant="primary", scale=0, min_width=180, elem_id="trust-run")
        far = context.button("trust_reach", scale=0, min_width=180, elem_id="reach-run")
        context.stop_button("trust-stop")
    report = gr.HTML(elem_id="trust-report", elem_classes="report")
    reached = gr.HTML(elem_id="reach-report", elem_classes="report")

    @context.guard_result
    def test_maps(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        tell = context.progress(request, language, progress)
        return _report(result, result.test_faithfulness(context.bundle_of(result), tell))

    context.work(run.click, test_maps, [context.result, context.language], report, show_progress_on=report)

    @context.guard_result
    def reach_of(explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        made = result.reached(context.bundle_of(result), context.progress(request, language, progress))
        return temporal_report(made, int(explorer_state["frame"]), context.folder())

    inputs = [context.explorer_state, context.result, context.language]
    context.work(far.click, reach_of, inputs, reached, js=context.explorer_state_js, show_progress_on=reached)

    def new_clip(result):
        return _report(result, result.faithfulness) if result and result.faithfulness else "", ""

    context.result.change(new_clip, context.result, [report, reached], **context.at_once)


def _report(result: Result, report: FaithfulnessReport) -> str:
    return faithfulness_report(report, [band.name for band in result.analysis.bands if band.name not in report.bands])
