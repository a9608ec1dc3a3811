"""The panel "Compare": two bundles on the explorer's clip."""

import gradio as gr

from ...evaluation.comparison import compare
from ...evaluation.speech_quality import read_reference
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext
from ..report import comparison_report
from ..texts import TEXTS


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    names = context.bundles.names
    intro = gr.Markdown(context.text("en", "compare_intro"), elem_classes="note", container=False)
    context.localise(intro, "value", "compare_intro")
    with gr.Row(elem_classes="act"):
        other = gr.Dropdown(
            names,
            value=names[1],  # two are embedded
            label=context.text("en", "compare_other"),
            scale=0,
            min_width=280,
            elem_id="compare-other",
        )
        run = gr.Button(
            context.text("en", "compare_run"), variant="primary", scale=0, min_width=180, elem_id="compare-run"
        )
        context.stop_button("compare-stop")
    report = gr.HTML(elem_id="compare-report", elem_classes="report")
    listening = ab_player(TEXTS, elem_id="compare-listen")
    context.localise(other, "label", "compare_other")
    context.localise(run, "value", "compare_run")

    @context.guard
    def compare_with(other, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
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
            sounds.append(Sound(_in_both("compare_original"), original.audio, made.first.sample_rate, original.mel_db))
        payload = ab_player_payload(
            sounds,
            made.first.fps,
            centre_frequencies_hz(first.mel),
            changes=made.change_db,
            changes_words=_in_both("compare_change", **names),
            difference_db=made.difference_db,
            difference_words=_in_both("compare_difference", **names),
        )
        return comparison_report(made, result.bundle_name, other), payload

    running = run.click(
        compare_with,
        [other, context.result, context.language],
        [report, listening],
        show_progress_on=report,
        **context.queued,
    )
    context.stoppable(run.click, running)
    context.result.change(
        lambda: ("", ""), None, [report, listening], queue=False, show_progress="hidden", **context.private
    )


def _in_both(key: str, **values: str) -> dict[str, str]:
    return {language: words[key].format(**values) for language, words in TEXTS.items()}
