"""The panel "Trust": a verdict on the maps of the clip that is shown."""

import gradio as gr

from ..desk import Desk
from ..trust_report import trust_report


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(desk.text("en", "trust_intro"), elem_classes="note", container=False)
    with gr.Row(elem_classes="act"):
        run = gr.Button(desk.text("en", "trust_run"), variant="primary", scale=0, min_width=180, elem_id="trust-run")
        desk.stop_button("trust-stop")
    report = gr.HTML(elem_id="trust-report", elem_classes="report")
    desk.localise(intro, "value", "trust_intro")
    desk.localise(run, "value", "trust_run")

    @desk.guard
    def judge_maps(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        tell = desk.progress(request, language, progress)
        return trust_report(result.judged(desk.bundle_of(result), tell))

    running = run.click(judge_maps, [desk.result, desk.language], report, show_progress_on=report, **desk.queued)
    desk.stoppable(run.click, running)

    def new_clip(result):
        return trust_report(result.card) if result and result.card else ""

    desk.result.change(new_clip, desk.result, report, queue=False, show_progress="hidden", **desk.private)
