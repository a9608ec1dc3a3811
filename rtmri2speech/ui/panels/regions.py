"""The panel "Regions": their source, and manual corrections."""

from dataclasses import dataclass

import gradio as gr

from ...analysis.occlusion import read_drawing
from ...analysis.region_attribution import NAMED_REGIONS
from ...anatomy.corrections import painted, shifted, taken_from
from ...anatomy.regions import NAMES, SIZE, SOURCES, Regions
from ...anatomy.sources import regions_of
from ...clips.phantom_truth import truth_beside
from ...errors import InputError
from ..drawing_canvas import drawing_canvas, drawing_canvas_js
from ..page_context import PageContext, interval_of
from ..session import Result
from ..texts import TEXTS

_BOARD = "regions-board"
_ALL = "all"
_FROM = {source: f"regions_from_{source}" for source in SOURCES}
_CORRECTED = {_ALL: "regions_all", **{name: f"regions_region_{name}" for name in NAMED_REGIONS}}
_PARTS = {"clip": "regions_clip", "stretch": "regions_stretch"}
_PAINTS = {**{name: f"regions_region_{name}" for name in NAMES[1:]}, "rest": "regions_rest"}
# The page's current language, which the radio does not hold yet right after loading.
_LANGUAGE_JS = '(result, _) => [result, document.documentElement.lang.startsWith("ja") ? "ja" : "en"]'


@dataclass(frozen=True)
class _Controls:
    source: gr.Radio
    name: gr.Dropdown
    part: gr.Radio
    other: gr.Number
    take: gr.Button
    right: gr.Number
    down: gr.Number
    shift: gr.Button
    drawing: gr.HTML
    colour: gr.Dropdown
    paint: gr.Button
    undo: gr.Button


def build(context: PageContext) -> None:
    """Lays out the panel's tab."""
    controls = _lay_out(context)
    _connect_source(context, controls)
    _connect_corrections(context, controls)


def _lay_out(context: PageContext) -> _Controls:
    def field(kind: type, key: str, *values, choices: dict | None = None, **options):
        words = {"label": f"regions_{key}", **({"choices": choices} if choices else {})}
        return context.worded(kind, words, *values, elem_id=f"regions-{key}", **options)

    def button(key: str, min_width: int) -> gr.Button:
        return context.button(f"regions_{key}", elem_id=f"regions-{key}", min_width=min_width)

    context.note("regions_intro")
    source = field(gr.Radio, "source", choices=_FROM, value="segmenter")
    with gr.Row():
        name = field(gr.Dropdown, "name", choices=_CORRECTED, value=_ALL)
        part = field(gr.Radio, "part", choices=_PARTS, value="clip")
    with gr.Row(elem_classes="act", equal_height=True):
        other = field(gr.Number, "other", 0, precision=0, minimum=0)
        take = button("take", 220)
        right, down = field(gr.Number, "right", 0), field(gr.Number, "down", 0)
        shift = button("shift", 120)
    drawing = drawing_canvas(TEXTS, elem_id=_BOARD)
    with gr.Row(elem_classes="act", equal_height=True):
        colour = field(gr.Dropdown, "colour", choices=_PAINTS, value="tongue")
        paint, undo = button("paint", 180), button("undo", 180)
    return _Controls(source, name, part, other, take, right, down, shift, drawing, colour, paint, undo)


def _connect_source(context: PageContext, controls: _Controls) -> None:
    @context.guard_result
    def choose(result, source, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        analysis = result.analysis
        tell = context.progress(request, language, progress)
        return _shown(result, regions_of(analysis.model_frames, analysis.fps, result.source, source, tell))

    for event in (controls.source.input, controls.undo.click):
        inputs = [context.result, controls.source, context.language]
        context.work(event, choose, inputs, [context.view, context.result], show_progress_on=context.view)

    def new_clip(result, language):
        height, width = result.analysis.model_frames.shape[1:]
        there = {source: key for source, key in _FROM.items() if source != "truth" or truth_beside(result.source)}
        offered = [(context.text(language, key), source) for source, key in there.items()]
        return gr.update(choices=offered, value=result.regions.source), [width, height]

    context.result.change(
        new_clip,
        [context.result, context.language],
        [controls.source, controls.drawing],
        js=_LANGUAGE_JS,
        **context.at_once,
    )


def _connect_corrections(context: PageContext, controls: _Controls) -> None:
    @context.guard_result
    def take_over(explorer_state, result, language, name, part, other):
        if other is None:
            raise InputError("Give the number of the frame whose regions are to be taken.")
        return _shown(
            result,
            taken_from(result.regions, int(other), _stretch(explorer_state, part), None if name == _ALL else name),
        )

    @context.guard_result
    def move(explorer_state, result, language, name, part, right, down):
        by = (right or 0) / SIZE, (down or 0) / SIZE
        return _shown(
            result, shifted(result.regions, *by, _stretch(explorer_state, part), None if name == _ALL else name)
        )

    @context.guard_result
    def paint_over(drawn, explorer_state, result, language, colour, part):
        regions, polygons = result.regions, read_drawing(drawn)["own"]
        if not polygons:
            raise InputError("Draw a shape on the picture first.")
        for polygon in polygons:
            regions = painted(regions, list(_on_square(polygon, regions.shape)), colour, _stretch(explorer_state, part))
        return _shown(result, regions)

    at, which = [context.explorer_state, context.result, context.language], [controls.name, controls.part]
    changing = {"outputs": [context.view, context.result], "show_progress_on": context.view, **context.private}
    controls.take.click(take_over, [*at, *which, controls.other], js=context.explorer_state_js, **changing)
    controls.shift.click(move, [*at, *which, controls.right, controls.down], js=context.explorer_state_js, **changing)
    drawn = [controls.drawing, *at, controls.colour, controls.part]
    controls.paint.click(paint_over, drawn, js=drawing_canvas_js(_BOARD, context.explorer_state_js), **changing)


def _shown(result: Result, regions: Regions) -> tuple[str, Result]:
    changed = result.with_regions(regions)
    return changed.payload, changed


def _stretch(explorer_state: dict, part: str) -> tuple[int, int] | None:
    return interval_of(explorer_state) if part == "stretch" else None


def _on_square(polygon, shape: tuple[int, int]):
    """Points on the clip's picture (height, width), 0 to 1 -> on the square picture of the regions."""
    height, width = shape
    side = max(shape)
    for x, y in polygon:
        yield ((side - width) // 2 + x * width) / side, ((side - height) // 2 + y * height) / side
