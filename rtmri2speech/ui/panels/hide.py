"""The panel "Hide and listen": hide part of the picture, speak again, and compare."""

import gradio as gr

from ...experiment import hide, read_hiding
from ...mel import centre_frequencies_hz
from ..board import board, board_js
from ..desk import Desk
from ..listen import listener
from ..listen.payload import Sound, listener_payload
from ..report import hiding_report
from ..texts import EXPLORER, TEXTS

_BOARD = "hide-board"


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(desk.text("en", "hide_intro"), elem_classes="note", container=False)
    words = {language: texts | _region_words(language) for language, texts in TEXTS.items()}
    drawing = board(words, elem_id=_BOARD)
    with gr.Row(elem_classes="act"):
        run = gr.Button(desk.text("en", "hide_run"), variant="primary", scale=0, min_width=240, elem_id="hide-run")
        desk.stop_button("hide-stop")
    report = gr.HTML(elem_id="hide-report", elem_classes="report")
    listening = listener(TEXTS, elem_id="hide-listen")
    desk.localise(intro, "value", "hide_intro")
    desk.localise(run, "value", "hide_run")

    @desk.guard
    def hide_and_speak(hiding, moment, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        stretch = None if moment["first"] is None else (int(moment["first"]), int(moment["last"]))
        asked = read_hiding(hiding, stretch)
        tell = desk.progress(request, language, progress)
        bundle = desk.bundle_of(result)
        hidden = hide(bundle, result.analysis, asked, tell, result.regions)
        sounds = [
            Sound(_in_both("hide_before"), hidden.before.audio, hidden.before.sample_rate, hidden.before.mel_db),
            Sound(_in_both("hide_after"), hidden.after.audio, hidden.after.sample_rate, hidden.after.mel_db),
        ]
        payload = listener_payload(
            sounds,
            hidden.before.fps,
            centre_frequencies_hz(bundle.mel),
            changes=hidden.change_db,
            changes_words=_in_both("hide_change"),
            difference_db=hidden.after.mel_db - hidden.before.mel_db,
            difference_words=_in_both("hide_difference"),
            stretch=asked.stretch,
        )
        return hiding_report(hidden, int(moment["frame"])), payload

    running = run.click(
        hide_and_speak,
        [drawing, desk.moment, desk.result, desk.language],
        [report, listening],
        js=board_js(_BOARD, desk.moment_js),
        show_progress_on=report,
        **desk.queued,
    )
    desk.stoppable(run.click, running)

    def new_clip(result):
        height, width = result.analysis.model_frames.shape[1:]
        return [width, height], "", ""

    desk.result.change(
        new_clip, desk.result, [drawing, report, listening], queue=False, show_progress="hidden", **desk.private
    )


def _in_both(key: str) -> dict[str, str]:
    return {language: words[key] for language, words in TEXTS.items()}


def _region_words(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}
