"""The panel "Voice": the voice of the synthesis, and adaptation of the model to the clip's pictures."""

from dataclasses import dataclass

import gradio as gr

from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext, in_each_language
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
    context.note("voice_intro")
    manners = {name: f"voice_{name}" for name in MANNERS}
    with gr.Row():
        manner = context.worded(
            gr.Radio,
            {"label": "voice_manner", "choices": manners},
            value=MANNERS[0],
            scale=3,
            elem_id="voice-manner",
        )
        hz = context.worded(gr.Number, {"label": "voice_hz"}, 0, scale=1, min_width=180, elem_id="voice-hz")
        semitones = context.worded(
            gr.Slider,
            {"label": "voice_semitones"},
            -_MOST_SEMITONES,
            _MOST_SEMITONES,
            0,
            step=0.5,
            buttons=[],
            scale=2,
            min_width=220,
            elem_id="voice-semitones",
        )
    with gr.Row(elem_classes="act"):
        run = context.button("voice_run", variant="primary", scale=0, min_width=180, elem_id="voice-run")
        context.stop_button("voice-stop")
        words = {"label": "voice_fit", "info": "voice_fit_info"}
        fit = context.worded(gr.Checkbox, words, False, container=False, elem_id="voice-fit")
    return _Controls(manner, hz, semitones, fit, run)


def _connect(context: PageContext, controls: _Controls, report: gr.HTML, listening: gr.HTML) -> None:
    @context.guard_result
    def speak(manner, hz, semitones, fit, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        tell = context.progress(request, language, progress)
        bundle = context.bundles.load(result.bundle_name)
        made = resynthesise(bundle, result, asked_of(manner, hz or None, semitones), bool(fit), tell)
        comparison = made.comparison
        first = comparison.first
        sounds = [
            Sound(in_each_language(key), analysis.audio, analysis.sample_rate, heard_db)
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
            changes_words=in_each_language("voice_change"),
            difference_db=comparison.difference_db,
            difference_words=in_each_language("voice_difference"),
        )
        return voice_report(comparison, made.adaptation), payload, made.result.payload, made.result

    inputs = [controls.manner, controls.hz, controls.semitones, controls.fit, context.result, context.language]
    outputs = [report, listening, context.view, context.result]
    context.work(controls.run.click, speak, inputs, outputs, show_progress_on=report)

    def forget(result):
        """Another clip, or the same one opened again, clears the report."""
        return (gr.skip(), gr.skip()) if result is not None and result.again else ("", "")

    context.result.change(forget, context.result, [report, listening], **context.at_once)
