"""The panel "Compare": two bundles on the explorer's clip."""

import gradio as gr

from ...evaluation.comparison import compare
from ...evaluation.speech_quality import read_reference
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext, in_each_language
from ..report import comparison_report
from ..texts import TEXTS


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    names = context.bundles.names
    context.note("compare_intro")
    with gr.Row(elem_classes="act"):
        looks = {"scale": 0, "min_width": 280, "elem_id": "compare-other"}
        other = context.worded(
            gr.Dropdown, {"label": "compare_other"}, names, value=names[1], **looks
        )  # two are embedded
        run = context.button("compare_run", variant="primary", scale=0, min_width=180, elem_id="compare-run")
        context.stop_button("compare-stop")
    report = gr.HTML(elem_id="compare-report", elem_classes="report")
    listening = ab_player(TEXTS, elem_id="compare-listen")

    @context.guard_result
    def compare_with(other, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        tell = context.progress(request, language, progress)
        first, second = context.bundle_of(result), context.bundles.load(other)
        made = compare(
            first,
            result.analysis,
            second,
            result.reference,
            tell,
            result.analysis.settings.voice if second.voice else None,
            result.analysed_by,
        )
        names = {"first": result.bundle_name, "other": other}
        sounds = [
            Sound(dict.fromkeys(TEXTS, name), analysis.audio, analysis.sample_rate, heard_db)
            for name, analysis, heard_db in zip(
                (result.bundle_name, other), (made.first, made.second), made.heard_db, strict=True
            )
        ]
        if result.reference is not None:
            original = read_reference(*result.reference, first.mel, len(made.first.mel_db))
            sounds.append(
                Sound(in_each_language("compare_original"), original.audio, made.first.sample_rate, original.mel_db)
            )
        payload = ab_player_payload(
            sounds,
            made.first.fps,
            centre_frequencies_hz(first.mel),
            changes=made.change_db,
            changes_words=in_each_language("compare_change", **names),
            difference_db=made.difference_db,
            difference_words=in_each_language("compare_difference", **names),
        )
        return comparison_report(made, result.bundle_name, other), payload

    inputs = [other, context.result, context.language]
    context.work(run.click, compare_with, inputs, [report, listening], show_progress_on=report)
    context.result.change(lambda: ("", ""), None, [report, listening], **context.at_once)
