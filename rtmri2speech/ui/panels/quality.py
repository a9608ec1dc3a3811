"""The panel "Quality": speech quality between baseline and topline, and the model card."""

import gradio as gr

from ...evaluation.speech_quality import assess, heard_mel, read_reference
from ...restore import restore
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..page_context import PageContext, in_each_language
from ..report import card_report, heading, quality_report
from ..texts import TEXTS

_SOUNDS = {"synthesis": "quality_here", "copy_synthesis": "quality_ceiling", "mean_mel": "quality_floor"}


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    context.note("quality_intro")
    with gr.Row(elem_classes="act"):
        run = context.button("quality_run", variant="primary", scale=0, min_width=180, elem_id="quality-run")
        context.stop_button("quality-stop")
        words = {"label": "quality_clean", "info": "quality_clean_info"}
        clean = context.worded(gr.Checkbox, words, False, container=False, elem_id="quality-clean")
    report = gr.HTML(elem_id="quality-report", elem_classes="report")
    listening = ab_player(TEXTS, elem_id="quality-listen")
    card = gr.HTML(
        card_report(context.bundles.load(context.bundles.first)), elem_id="quality-card", elem_classes="report"
    )

    @context.guard_result
    def score(result, language, clean, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result.reference is None:
            raise context.refusal("quality_no_reference", language)
        tell = context.progress(request, language, progress)
        bundle, analysis = context.bundle_of(result), result.analysis
        rate, count = analysis.sample_rate, len(analysis.mel_db)
        recording, recording_rate = result.reference
        reference = read_reference(recording, recording_rate, bundle.mel, count)
        sounds = [Sound(in_each_language("quality_original"), reference.audio, rate, reference.mel_db)]
        made = assess(bundle, analysis, reference, tell.part(None, 0, 0.4 if clean else 1))
        report = quality_report(made, analysis.clip.duration, analysis.fps, rate)
        if clean:
            tell("restoring", 0.4)
            restored = read_reference(restore(recording, recording_rate), recording_rate, bundle.mel, count)
            sounds.append(Sound(in_each_language("quality_restored"), restored.audio, rate, restored.mel_db))
            against = assess(bundle, analysis, restored, tell.part(None, 0.6, 1))
            report = heading("quality_against_original") + report + heading("quality_against_restored")
            report += quality_report(against, analysis.clip.duration, analysis.fps, rate)
        for name, key in _SOUNDS.items():
            audio = made.sounds[name]
            sounds.append(Sound(in_each_language(key), audio, rate, heard_mel(audio, rate, bundle.mel, count)))
        return report, ab_player_payload(sounds, analysis.fps, centre_frequencies_hz(bundle.mel))

    inputs = [context.result, context.language, clean]
    context.work(run.click, score, inputs, [report, listening], show_progress_on=report)

    def new_clip(result):
        return "", "", card_report(context.bundles.load(result.bundle_name))

    context.result.change(new_clip, context.result, [report, listening, card], **context.at_once)
