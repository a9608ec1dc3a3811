"""The panel "Hide and listen": hide part of the picture, speak again, and compare; or hide each region in turn."""

import gradio as gr

from ...analysis.occlusion import HiddenRegion, hide_each, read_drawing, read_hiding, write_hidden_regions
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..drawing_canvas import drawing_canvas, drawing_canvas_js
from ..page_context import Desk
from ..report import hiding_report
from ..texts import EXPLORER, TEXTS

_BOARD = "hide-board"


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(desk.text("en", "hide_intro"), elem_classes="note", container=False)
    words = {language: texts | _region_words(language) for language, texts in TEXTS.items()}
    with gr.Row(elem_id="hide-sides"):
        with gr.Column(min_width=460):
            drawing = drawing_canvas(words, elem_id=_BOARD)
            with gr.Row(elem_classes="act"):
                run = gr.Button(
                    desk.text("en", "hide_run"), variant="primary", scale=0, min_width=190, elem_id="hide-run"
                )
                each = gr.Button(desk.text("en", "hide_each"), scale=0, min_width=190, elem_id="hide-each")
                desk.stop_button("hide-stop")
            table = gr.Dataframe(visible=False, interactive=False, elem_id="hide-table")
            csv_file = gr.DownloadButton(
                desk.text("en", "hide_csv"), visible=False, size="sm", scale=0, min_width=160, elem_id="hide-csv"
            )
        with gr.Column(min_width=460):
            report = gr.HTML(elem_id="hide-report", elem_classes="report")
            listening = ab_player(TEXTS, elem_id="hide-listen")
    desk.localise(intro, "value", "hide_intro")
    desk.localise(run, "value", "hide_run")
    desk.localise(each, "value", "hide_each")
    desk.localise(csv_file, "label", "hide_csv")
    _connect_each(desk, drawing, each, table, csv_file, report)

    @desk.guard
    def hide_and_speak(hiding, moment, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        stretch = None if moment["first"] is None else (int(moment["first"]), int(moment["last"]))
        asked = read_hiding(hiding, stretch)
        tell = desk.progress(request, language, progress)
        bundle = desk.bundle_of(result)
        hidden = result.hiding(bundle, asked, tell)
        sounds = [
            Sound(_in_both("hide_before"), hidden.before.audio, hidden.before.sample_rate, hidden.before.mel_db),
            Sound(_in_both("hide_after"), hidden.after.audio, hidden.after.sample_rate, hidden.after.mel_db),
        ]
        payload = ab_player_payload(
            sounds,
            hidden.before.fps,
            centre_frequencies_hz(bundle.mel),
            changes=hidden.change_db,
            changes_words=_in_both("hide_change"),
            difference_db=hidden.difference_db,
            difference_words=_in_both("hide_difference"),
            stretch=asked.stretch,
        )
        return hiding_report(hidden, int(moment["frame"])), payload

    running = run.click(
        hide_and_speak,
        [drawing, desk.moment, desk.result, desk.language],
        [report, listening],
        js=drawing_canvas_js(_BOARD, desk.moment_js),
        show_progress_on=report,
        **desk.queued,
    )
    desk.stoppable(run.click, running)

    def new_clip(result):
        height, width = result.analysis.model_frames.shape[1:]
        return [width, height], "", "", gr.update(visible=False), gr.update(visible=False)

    emptied = [drawing, report, listening, table, csv_file]
    desk.result.change(new_clip, desk.result, emptied, queue=False, show_progress="hidden", **desk.private)


def _connect_each(
    desk: Desk, drawing, each: gr.Button, table: gr.Dataframe, csv_file: gr.DownloadButton, report
) -> None:
    """The table of all regions; `report` shows the progress, as the table is not there yet."""

    @desk.guard
    def each_in_turn(drawn, moment, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        asked = read_drawing(drawn)
        here = asked["where"] == "stretch" and moment["first"] is not None
        stretch = (int(moment["first"]), int(moment["last"])) if here else None
        rows = hide_each(
            desk.bundle_of(result),
            result.analysis,
            result.regions,
            asked["manner"],
            asked["strength"],
            stretch,
            desk.progress(request, language, progress),
            result.analysed_by,
        )
        names = [band.name for band in result.analysis.bands]
        path = desk.folder() / "hidden_regions.csv"
        write_hidden_regions(path, rows)
        of_region = [desk.text(language, f"hide_table_{key}") for key in ("region", "area", "mcd")]
        of_band = [desk.text(language, f"hide_table_{key}") for key in ("share", "size")]
        shown = {
            "headers": [*of_region, *(head.format(band=name) for name in names for head in of_band)],
            "data": [[EXPLORER[language][f"region_{row.name}"], *_shown(row, names)] for row in rows],
        }
        return gr.update(value=shown, visible=True), gr.update(value=str(path), visible=True)

    running = each.click(
        each_in_turn,
        [drawing, desk.moment, desk.result, desk.language],
        [table, csv_file],
        js=drawing_canvas_js(_BOARD, desk.moment_js),
        show_progress_on=report,
        **desk.queued,
    )
    desk.stoppable(each.click, running)


def _shown(row: HiddenRegion, bands: list[str]) -> list[float | None]:
    """Area, MCD, and for each band share of the evidence and size of the change; shares in per cent."""
    values = [100 * row.area, row.mcd_db]
    for band in bands:
        share = row.share[band]
        values += [None if share is None else 100 * share, row.size_db[band]]
    return [None if value is None else round(value, 1) for value in values]


def _in_both(key: str) -> dict[str, str]:
    return {language: words[key] for language, words in TEXTS.items()}


def _region_words(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}
