"""The panel "Voice": the voice of the synthesis, adaptation of the model to the clip's pictures, and tuning of it to
recordings with sound."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from ...finetuning import FinetuneSettings
from ...progress import Progress
from ...speech.mel import centre_frequencies_hz
from ...speech.voice import Voice
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext, in_each_language
from ..report import voice_report
from ..resynthesis import MANNERS, asked_of, resynthesise
from ..session import Result
from ..texts import TEXTS
from ..tuning import TunedBundle, kept, learn
from ..tuning_report import tuning_report

_MOST_SEMITONES = 12
_KEPT_S = 3600  # a tuned bundle, after its last use


@dataclass(frozen=True)
class _Controls:
    manner: gr.Radio
    hz: gr.Number
    semitones: gr.Slider
    fit: gr.Checkbox
    use_tuned: gr.Checkbox
    run: gr.Button


@dataclass(frozen=True)
class _Learning:
    """tuned: of this session, None or a TunedBundle."""

    files: gr.File
    run: gr.Button
    report: gr.HTML
    archive: gr.File
    tuned: gr.State


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    controls = _lay_out(context)
    report = gr.HTML(elem_id="voice-report", elem_classes="report")
    listening = ab_player(TEXTS, elem_id="voice-listen")
    learning = _lay_out_learning(context)
    _connect(context, controls, learning.tuned, report, listening)
    _connect_learning(context, controls, learning, report, listening)


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
        words = {"label": "learn_use", "info": "learn_use_info"}
        use = context.worded(gr.Checkbox, words, False, container=False, visible=False, elem_id="voice-tuned")
    return _Controls(manner, hz, semitones, fit, use, run)


def _lay_out_learning(context: PageContext) -> _Learning:
    context.note("learn_intro")
    with gr.Row():
        looks = {"file_count": "multiple", "height": 140, "elem_id": "learn-files"}
        files = context.worded(gr.File, {"label": "learn_files"}, scale=2, min_width=300, **looks)
        looks = {"interactive": False, "visible": False, "height": 140, "elem_id": "learn-archive"}
        archive = context.worded(gr.File, {"label": "learn_archive"}, scale=1, min_width=240, **looks)
    with gr.Row(elem_classes="act"):
        run = context.button("learn_run", variant="primary", scale=0, min_width=180, elem_id="learn-run")
        context.stop_button("learn-stop")
    report = gr.HTML(elem_id="learn-report", elem_classes="report")
    return _Learning(files, run, report, archive, gr.State(time_to_live=_KEPT_S))


def _spoken(
    context: PageContext, result: Result, voice: Voice | None, fit: bool, tuned: TunedBundle | None, tell: Progress
) -> tuple[str, str, str, Result]:
    """What resynthesis shows: report, A/B player, explorer, and the new result."""
    bundle = context.bundles.load(result.bundle_name)
    made = resynthesise(bundle, result, voice, fit, tell, tuned.bundle if tuned else None)
    comparison, first = made.comparison, made.comparison.first
    sounds = [
        Sound(in_each_language(key), analysis.audio, analysis.sample_rate, heard_db)
        for key, analysis, heard_db in zip(
            ("voice_before", "voice_now"), (first, comparison.second), comparison.heard_db, strict=True
        )
    ]
    player = ab_player_payload(
        sounds,
        first.fps,
        centre_frequencies_hz(result.mel),
        changes=comparison.change_db,
        changes_words=in_each_language("voice_change"),
        difference_db=comparison.difference_db,
        difference_words=in_each_language("voice_difference"),
    )
    told = voice_report(comparison, made.adaptation, tuned is not None)
    return told, player, made.result.payload, made.result


def _connect(
    context: PageContext, controls: _Controls, kept_tuned: gr.State, report: gr.HTML, listening: gr.HTML
) -> None:
    @context.guard_result
    def speak(
        manner,
        hz,
        semitones,
        fit,
        use_tuned,
        tuned,
        result,
        language,
        request: gr.Request,
        progress=gr.Progress(),  # noqa: B008 (Gradio)
    ):
        tell = context.progress(request, language, progress)
        if not use_tuned:
            tuned = None
        elif tuned is None or tuned.base != result.bundle_name:
            raise context.refusal("learn_other", language)
        return _spoken(context, result, asked_of(manner, hz or None, semitones), bool(fit), tuned, tell)

    inputs = [controls.manner, controls.hz, controls.semitones, controls.fit, controls.use_tuned, kept_tuned]
    inputs += [context.result, context.language]
    outputs = [report, listening, context.view, context.result]
    context.work(controls.run.click, speak, inputs, outputs, show_progress_on=report)

    def forget(result):
        """Another clip, or the same one opened again, clears the report."""
        return (gr.skip(), gr.skip()) if result is not None and result.again else ("", "")

    context.result.change(forget, context.result, [report, listening], **context.at_once)


def _connect_learning(
    context: PageContext, controls: _Controls, learning: _Learning, report: gr.HTML, listening: gr.HTML
) -> None:
    outputs = [learning.report, learning.archive, learning.tuned, controls.use_tuned]
    outputs += [report, listening, context.view, context.result]

    @context.guard
    def learn_from(files, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None:
            raise context.refusal("first_run", language)
        if not files:
            raise context.refusal("learn_nothing", language)
        tell = context.progress(request, language, progress)
        bundle, errors = context.bundles.load(result.bundle_name), []
        steps = learn(bundle, [Path(file) for file in files], context.limits, tell, FinetuneSettings())
        others = [gr.skip()] * (len(outputs) - 1)
        while True:
            try:
                errors.append(next(steps))
            except StopIteration as done:
                made = done.value
                break
            yield tuning_report(errors), *others
        if not made.better:
            yield tuning_report(errors, made), *others
            return
        tuned = kept(made, bundle, result.bundle_name, context.folder())
        spoken = _spoken(context, result, result.analysis.settings.voice, False, tuned, tell.part(None, 0.85, 1))
        archive = gr.update(value=str(tuned.archive), visible=True)
        yield tuning_report(errors, made), archive, tuned, gr.update(value=True, visible=True), *spoken

    inputs = [learning.files, context.result, context.language]
    context.work(learning.run.click, learn_from, inputs, outputs, show_progress_on=learning.report)
