"""The panel "Trust": a verdict on the maps of the clip that is shown."""

import gradio as gr

from ...evaluation.faithfulness import TrustCard
from ..faithfulness_report import reach_report, trust_report
from ..handlers import Result
from ..page_context import Desk


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(desk.text("en", "trust_intro"), elem_classes="note", container=False)
    with gr.Row(elem_classes="act"):
        run = gr.Button(desk.text("en", "trust_run"), variant="primary", scale=0, min_width=180, elem_id="trust-run")
        far = gr.Button(desk.text("en", "trust_reach"), scale=0, min_width=180, elem_id="reach-run")
        desk.stop_button("trust-stop")
    report = gr.HTML(elem_id="trust-report", elem_classes="report")
    reached = gr.HTML(elem_id="reach-report", elem_classes="report")
    desk.localise(intro, "value", "trust_intro")
    desk.localise(far, "value", "trust_reach")
    desk.localise(run, "value", "trust_run")

    @desk.guard
    def judge_maps(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        tell = desk.progress(request, language, progress)
        return _report(result, result.judged(desk.bundle_of(result), tell))

    running = run.click(judge_maps, [desk.result, desk.language], report, show_progress_on=report, **desk.queued)
    desk.stoppable(run.click, running)

    @desk.guard
    def reach_of(moment, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        made = result.reached(desk.bundle_of(result), desk.progress(request, language, progress))
        return reach_report(made, int(moment["frame"]), desk.folder())

    reaching = far.click(
        reach_of,
        [desk.moment, desk.result, desk.language],
        reached,
        js=desk.moment_js,
        show_progress_on=reached,
        **desk.queued,
    )
    desk.stoppable(far.click, reaching)

    def new_clip(result):
        return _report(result, result.card) if result and result.card else "", ""

    desk.result.change(new_clip, desk.result, [report, reached], queue=False, show_progress="hidden", **desk.private)


def _report(result: Result, card: TrustCard) -> str:
    return trust_report(card, [band.name for band in result.analysis.bands if band.name not in card.bands])
