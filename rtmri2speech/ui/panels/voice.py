"""The panel "Voice": the voice of the synthesis, and adaptation of the model to the clip's pictures."""

from dataclasses import dataclass

import gradio as gr

from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext
from ..report import voice_report
from ..resynthesis import MANNERS, asked_of, resynthesise
from ..texts import TEXTS

_MOST_SEMITONES = 12


@dataclass(frozen=True)
class _Controls:
    manner: gr.Radio
    hz: gr.Number
    semitones: gr.Slider
    fit: gr.Checkbox
    run: gr.Button


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    controls = _lay_out(context)
    report = gr.HTML(elem_id="voice-report", elem_classes="report")
    listening = ab_player(TEXTS, elem_id="voice-listen")
    _connect(context, controls, report, listening)


def _lay_out(context: PageContext) -> _Controls:
    intro = gr.Markdown(context.text("en", "voice_intro"), elem_classes="note", container=False)
    manners = {name: f"voice_{name}" for name in MANNERS}
    with gr.Row():
        manner = gr.Radio(
            [(context.text("en", key), name) for name, key in manners.items()],
            value=MANNERS[0],
            label=context.text("en", "voice_manner"),
            scale=3,
            elem_id="voice-manner",
        )
        hz = gr.Number(
            0,
            label=context.text("en", "voice_hz"),
            scale=1,
            min_width=180,
            elem_id="voice-hz",
        )
        semitones = gr.Slider(
            -_MOST_SEMITONES,
            _MOST_SEMITONES,
            0,
            step=0.5,
            label=context.text("en", "voice_semitones"),
            buttons=[],
            scale=2,
            min_width=220,
            elem_id="voice-semitones",
        )
    with gr.Row(elem_classes="act"):
        run = gr.Button(context.text("en", "voice_run"), variant="primary", scale=0, min_width=180, elem_id="voice-run")
        context.stop_button("voice-stop")
        fit = gr.Checkbox(
            False,
            label=context.text("en", "voice_fit"),
            info=context.text("en", "voice_fit_info"),
            container=False,
            elem_id="voice-fit",
        )
    context.localise(intro, "value", "voice_intro")
    context.localise(manner, "choices", manners)
    context.localise(fit, "info", "voice_fit_info")
    for component, key in ((manner, "manner"), (hz, "hz"), (semitones, "semitones"), (fit, "fit")):
        context.localise(component, "label", f"voice_{key}")
    context.localise(run, "value", "voice_run")
    return _Controls(manner, hz, semitones, fit, run)


def _connect(context: PageContext, controls: _Controls, report: gr.HTML, listening: gr.HTML) -> None:
    @context.guard
    def speak(manner, hz, semitones, fit, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
        tell = context.progress(request, language, progress)
        bundle = context.bundles.load(result.bundle_name)
        made = resynthesise(bundle, result, asked_of(manner, hz or None, semitones), bool(fit), tell)
        comparison = made.comparison
        first = comparison.first
        sounds = [
            Sound(_in_both(key), analysis.audio, analysis.sample_rate, heard_db)
            for key, analysis, heard_db in zip(
                ("voice_before", "voice_now"),
                (first, comparison.second),
                comparison.heard_db,
                strict=True,
            )
        ]
        payload = ab_player_payload(
            sounds,
            first.fps,
            centre_frequencies_hz(result.mel),
            changes=comparison.change_db,
            changes_words=_in_both("voice_change"),
            difference_db=comparison.difference_db,
            difference_words=_in_both("voice_difference"),
        )
        return voice_report(comparison, made.adaptation), payload, made.result.payload, made.result

    running = controls.run.click(
        speak,
        [controls.manner, controls.hz, controls.semitones, controls.fit, context.result, context.language],
        [report, listening, context.view, context.result],
        show_progress_on=report,
        **context.queued,
    )
    context.stoppable(controls.run.click, running)

    def forget(result):
        """Another clip, or the same one opened again, clears the report."""
        return (gr.skip(), gr.skip()) if result is not None and result.again else ("", "")

    context.result.change(
        forget, context.result, [report, listening], queue=False, show_progress="hidden", **context.private
    )


def _in_both(key: str) -> dict[str, str]:
    return {language: words[key] for language, words in TEXTS.items()}
