"""The panel "Hide and listen": occlude part of the picture, synthesise again, and compare; or occlude each region in
turn."""

import gradio as gr

from ...analysis.occlusion import RegionOcclusion, occlude_each, read_drawing, read_occlusion, write_region_occlusions
from ...speech.mel import centre_frequencies_hz
from ..ab_player import ab_player
from ..ab_player.payload import Sound, ab_player_payload
from ..drawing_canvas import drawing_canvas, drawing_canvas_js
from ..page_context import PageContext
from ..report import occlusion_report
from ..texts import EXPLORER, TEXTS

_BOARD = "hide-board"


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    intro = gr.Markdown(context.text("en", "hide_intro"), elem_classes="note", container=False)
    words = {language: texts | _region_words(language) for language, texts in TEXTS.items()}
    with gr.Row(elem_id="hide-sides"):
        with gr.Column(min_width=460):
            drawing = drawing_canvas(words, elem_id=_BOARD)
            with gr.Row(elem_classes="act"):
                run = gr.Button(
                    context.text("en", "hide_run"), variant="primary", scale=0, min_width=190, elem_id="hide-run"
                )
                each = gr.Button(context.text("en", "hide_each"), scale=0, min_width=190, elem_id="hide-each")
                context.stop_button("hide-stop")
            table = gr.Dataframe(visible=False, interactive=False, elem_id="hide-table")
            csv_file = gr.DownloadButton(
                context.text("en", "hide_csv"), visible=False, size="sm", scale=0, min_width=160, elem_id="hide-csv"
            )
        with gr.Column(min_width=460):
            report = gr.HTML(elem_id="hide-report", elem_classes="report")
            listening = ab_player(TEXTS, elem_id="hide-listen")
    context.localise(intro, "value", "hide_intro")
    context.localise(run, "value", "hide_run")
    context.localise(each, "value", "hide_each")
    context.localise(csv_file, "label", "hide_csv")
    _connect_each(context, drawing, each, table, csv_file, report)

    @context.guard
    def hide_and_speak(hiding, explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
        stretch = (
            None if explorer_state["first"] is None else (int(explorer_state["first"]), int(explorer_state["last"]))
        )
        asked = read_occlusion(hiding, stretch)
        tell = context.progress(request, language, progress)
        bundle = context.bundle_of(result)
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
        return occlusion_report(hidden, int(explorer_state["frame"])), payload

    running = run.click(
        hide_and_speak,
        [drawing, context.explorer_state, context.result, context.language],
        [report, listening],
        js=drawing_canvas_js(_BOARD, context.explorer_state_js),
        show_progress_on=report,
        **context.queued,
    )
    context.stoppable(run.click, running)

    def new_clip(result):
        height, width = result.analysis.model_frames.shape[1:]
        return [width, height], "", "", gr.update(visible=False), gr.update(visible=False)

    emptied = [drawing, report, listening, table, csv_file]
    context.result.change(new_clip, context.result, emptied, queue=False, show_progress="hidden", **context.private)


def _connect_each(
    context: PageContext, drawing, each: gr.Button, table: gr.Dataframe, csv_file: gr.DownloadButton, report
) -> None:
    """The table of all regions; `report` shows the progress until the table exists."""

    @context.guard
    def each_in_turn(drawn, explorer_state, result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(
                context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
            )
        asked = read_drawing(drawn)
        here = asked["where"] == "stretch" and explorer_state["first"] is not None
        stretch = (int(explorer_state["first"]), int(explorer_state["last"])) if here else None
        rows = occlude_each(
            context.bundle_of(result),
            result.analysis,
            result.regions,
            asked["manner"],
            asked["strength"],
            stretch,
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

    running = each.click(
        each_in_turn,
        [drawing, context.explorer_state, context.result, context.language],
        [table, csv_file],
        js=drawing_canvas_js(_BOARD, context.explorer_state_js),
        show_progress_on=report,
        **context.queued,
    )
    context.stoppable(each.click, running)


def _shown(row: RegionOcclusion, bands: list[str]) -> list[float | None]:
    """Area, MCD, and for each band its share of the attribution and mean absolute change; shares in per cent."""
    values = [100 * row.area, row.mcd_db]
    for band in bands:
        share = row.share[band]
        values += [None if share is None else 100 * share, row.size_db[band]]
    return [None if value is None else round(value, 1) for value in values]


def _in_both(key: str) -> dict[str, str]:
    return {language: words[key] for language, words in TEXTS.items()}


def _region_words(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}
