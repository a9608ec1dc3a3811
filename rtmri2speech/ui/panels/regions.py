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
from ..page_context import PageContext
from ..session import Result
from ..texts import EXPLORER, TEXTS

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
    def say(key: str) -> str:
        return context.text("en", f"regions_{key}")

    intro = gr.Markdown(say("intro"), elem_classes="note", container=False)
    source = gr.Radio(_in_english(context, _FROM), value="segmenter", label=say("source"), elem_id="regions-source")
    with gr.Row():
        name = gr.Dropdown(_in_english(context, _CORRECTED), value=_ALL, label=say("name"), elem_id="regions-name")
        part = gr.Radio(_in_english(context, _PARTS), value="clip", label=say("part"), elem_id="regions-part")
    with gr.Row(elem_classes="act", equal_height=True):
        other = gr.Number(0, precision=0, minimum=0, label=say("other"), elem_id="regions-other")
        take = gr.Button(say("take"), elem_id="regions-take", min_width=220)
        right = gr.Number(0, label=say("right"), elem_id="regions-right")
        down = gr.Number(0, label=say("down"), elem_id="regions-down")
        shift = gr.Button(say("shift"), elem_id="regions-shift", min_width=120)
    words = {language: texts | _region_words(language) for language, texts in TEXTS.items()}
    drawing = drawing_canvas(words, elem_id=_BOARD)
    with gr.Row(elem_classes="act", equal_height=True):
        colour = gr.Dropdown(
            _in_english(context, _PAINTS), value="tongue", label=say("colour"), elem_id="regions-colour"
        )
        paint = gr.Button(say("paint"), elem_id="regions-paint", min_width=180)
        undo = gr.Button(say("undo"), elem_id="regions-undo", min_width=180)
    for component, key in ((intro, "intro"), (take, "take"), (shift, "shift"), (paint, "paint"), (undo, "undo")):
        context.localise(component, "value", f"regions_{key}")
    for component, key in ((source, "source"), (name, "name"), (part, "part"), (other, "other"), (right, "right")):
        context.localise(component, "label", f"regions_{key}")
    for component, key in ((down, "down"), (colour, "colour")):
        context.localise(component, "label", f"regions_{key}")
    for component, choices in ((source, _FROM), (name, _CORRECTED), (part, _PARTS), (colour, _PAINTS)):
        context.localise(component, "choices", choices)
    return _Controls(source, name, part, other, take, right, down, shift, drawing, colour, paint, undo)


def _connect_source(context: PageContext, controls: _Controls) -> None:
    @context.guard
    def choose(result, source, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        analysis = _there(context, result, language).analysis
        tell = context.progress(request, language, progress)
        return _shown(result, regions_of(analysis.model_frames, analysis.fps, result.source, source, tell))

    for event in (controls.source.input, controls.undo.click):
        inputs = [context.result, controls.source, context.language]
        running = event(choose, inputs, [context.view, context.result], show_progress_on=context.view, **context.queued)
        context.stoppable(event, running)

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
        queue=False,
        show_progress="hidden",
        **context.private,
    )


def _connect_corrections(context: PageContext, controls: _Controls) -> None:
    @context.guard
    def take_over(explorer_state, result, language, name, part, other):
        regions = _there(context, result, language).regions
        if other is None:
            raise InputError("Give the number of the frame whose regions are to be taken.")
        return _shown(
            result, taken_from(regions, int(other), _stretch(explorer_state, part), None if name == _ALL else name)
        )

    @context.guard
    def move(explorer_state, result, language, name, part, right, down):
        regions = _there(context, result, language).regions
        by = (right or 0) / SIZE, (down or 0) / SIZE
        return _shown(result, shifted(regions, *by, _stretch(explorer_state, part), None if name == _ALL else name))

    @context.guard
    def paint_over(drawn, explorer_state, result, language, colour, part):
        regions = _there(context, result, language).regions
        polygons = read_drawing(drawn)["own"]
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


def _there(context: PageContext, result: Result | None, language: str) -> Result:
    if result is None:
        raise gr.Error(
            context.text(language, "first_run"), print_exception=False, title=context.text(language, "error")
        )
    return result


def _shown(result: Result, regions: Regions) -> tuple[str, Result]:
    changed = result.with_regions(regions)
    return changed.payload, changed


def _stretch(explorer_state: dict, part: str) -> tuple[int, int] | None:
    return (
        (int(explorer_state["first"]), int(explorer_state["last"]))
        if part == "stretch" and explorer_state["first"] is not None
        else None
    )


def _on_square(polygon, shape: tuple[int, int]):
    """Points on the clip's picture (height, width), 0 to 1 -> on the square picture of the regions."""
    height, width = shape
    side = max(shape)
    for x, y in polygon:
        yield ((side - width) // 2 + x * width) / side, ((side - height) // 2 + y * height) / side


def _region_words(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}


def _in_english(context: PageContext, choices: dict[str, str]) -> list[tuple[str, str]]:
    return [(context.text("en", key), value) for value, key in choices.items()]
