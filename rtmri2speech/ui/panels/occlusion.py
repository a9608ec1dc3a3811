"""The panel "Hide and listen": occlude part of the picture, synthesise again, and compare; or occlude each region in
turn."""

import gradio as gr

from ...analysis.occlusion import RegionOcclusion, occlude_each, read_drawing, read_occlusion, write_region_occlusions
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..drawing_canvas import drawing_canvas, drawing_canvas_js
from ..page_context import PageContext, in_each_language, interval_of
from ..report import occlusion_report
from ..texts import EXPLORER, TEXTS

_BOARD = "hide-board"


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    context.note("hide_intro")
    with gr.Row(elem_id="hide-sides"):
        with gr.Column(min_width=460):
            drawing = drawing_canvas(TEXTS, elem_id=_BOARD)
            with gr.Row(elem_classes="act"):
                run = context.button("hide_run", variant="primary", scale=0, min_width=190, elem_id="hide-run")
                each = context.button("hide_each", scale=0, min_width=190, elem_id="hide-each")
                context.stop_button("hide-stop")
            table = gr.Dataframe(visible=False, interactive=False, elem_id="hide-table")
            looks = {"size": "sm", "scale": 0, "min_width": 160, "elem_id": "hide-csv"}
            csv_file = context.worded(gr.DownloadButton, {"label": "hide_csv"}, visible=False, **looks)
        with gr.Column(min_width=460):
            report = gr.HTML(elem_id="hide-report", elem_classes="report")
            listening = ab_player(TEXTS, elem_id="hide-listen")
    _connect_each(context, drawing, each, table, csv_file, report)

    @context.guard_result
    def hide_and_speak(hiding, explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        asked = read_occlusion(hiding, interval_of(explorer_state))
        tell = context.progress(request, language, progress)
        bundle = context.bundle_of(result)
        hidden = result.hiding(bundle, asked, tell)
        sounds = [
            Sound(
                in_each_language("hide_before"), hidden.before.audio, hidden.before.sample_rate, hidden.before.mel_db
            ),
            Sound(in_each_language("hide_after"), hidden.after.audio, hidden.after.sample_rate, hidden.after.mel_db),
        ]
        payload = ab_player_payload(
            sounds,
            hidden.before.fps,
            centre_frequencies_hz(bundle.mel),
            changes=hidden.change_db,
            changes_words=in_each_language("hide_change"),
            difference_db=hidden.difference_db,
            difference_words=in_each_language("hide_difference"),
            stretch=asked.stretch,
        )
        return occlusion_report(hidden, int(explorer_state["frame"])), payload

    inputs = [drawing, context.explorer_state, context.result, context.language]
    js = drawing_canvas_js(_BOARD, context.explorer_state_js)
    context.work(run.click, hide_and_speak, inputs, [report, listening], js=js, show_progress_on=report)

    def new_clip(result):
        height, width = result.analysis.model_frames.shape[1:]
        return [width, height], "", "", gr.update(visible=False), gr.update(visible=False)

    emptied = [drawing, report, listening, table, csv_file]
    context.result.change(new_clip, context.result, emptied, **context.at_once)


def _connect_each(
    context: PageContext, drawing, each: gr.Button, table: gr.Dataframe, csv_file: gr.DownloadButton, report
) -> None:
    """The table of all regions; `report` shows the progress until the table exists."""

    @context.guard_result
    def each_in_turn(drawn, explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        asked = read_drawing(drawn)
        rows = occlude_each(
            context.bundle_of(result),
            result.analysis,
            result.regions,
            asked["manner"],
            asked["strength"],
            interval_of(explorer_state) if asked["where"] == "stretch" else None,
            context.progress(request, language, progress),
            result.analysed_by,
        )
        names = [band.name for band in result.analysis.bands]
        path = context.folder() / "hidden_regions.csv"
        write_region_occlusions(path, rows)
        of_region = [context.text(language, f"hide_table_{key}") for key in ("region", "area", "mcd")]
        of_band = [context.text(language, f"hide_table_{key}") for key in ("share", "size")]
        shown = {
            "headers": [*of_region, *(head.format(band=name) for name in names for head in of_band)],
            "data": [[EXPLORER[language][f"region_{row.name}"], *_shown(row, names)] for row in rows],
        }
        return gr.update(value=shown, visible=True), gr.update(value=str(path), visible=True)

    inputs = [drawing, context.explorer_state, context.result, context.language]
    js = drawing_canvas_js(_BOARD, context.explorer_state_js)
    context.work(each.click, each_in_turn, inputs, [table, csv_file], js=js, show_progress_on=report)


def _shown(row: RegionOcclusion, bands: list[str]) -> list[float | None]:
    """Area, MCD, and for each band its share of the attribution and mean absolute change; shares in per cent."""
    values = [100 * row.area, row.mcd_db]
    for band in bands:
        share = row.share[band]
        values += [None if share is None else 100 * share, row.size_db[band]]
    return [None if value is None else round(value, 1) for value in values]
