"""The panel "Regions": where they come from, and correcting them by hand."""

import gradio as gr

from ...anatomy.corrections import painted, shifted, taken_from
from ...anatomy.find import regions_of
from ...anatomy.regions import SIZE, SOURCES
from ...anatomy.sources import truth_beside
from ...errors import InputError
from ...evidence import ACCOUNTED
from ...experiment import read_drawing
from ..board import board, board_js
from ..desk import Desk
from ..texts import EXPLORER, TEXTS

_BOARD = "regions-board"
_WHOLE = "all"
# The page's language as it stands: right after opening, the radio of languages does not have it yet.
_LANGUAGE_JS = '(result, _) => [result, document.documentElement.lang.startsWith("ja") ? "ja" : "en"]'
_PAINTED = tuple(name for name in ACCOUNTED if name != "lips")


def build(desk: Desk) -> None:
    """Lays out the panel's tab."""

    def say(key: str) -> str:
        return desk.text("en", f"regions_{key}")

    intro = gr.Markdown(say("intro"), elem_classes="note", container=False)
    sources = {source: f"regions_from_{source}" for source in SOURCES}
    choices = [(desk.text("en", key), source) for source, key in sources.items()]
    source = gr.Radio(choices, value="segmenter", label=say("source"), elem_id="regions-source")
    names = {_WHOLE: "regions_all", **{name: f"regions_region_{name}" for name in ACCOUNTED}}
    parts = {"clip": "regions_clip", "stretch": "regions_stretch"}
    with gr.Row():
        name = gr.Dropdown(_in_english(desk, names), value=_WHOLE, label=say("name"), elem_id="regions-name")
        part = gr.Radio(_in_english(desk, parts), value="clip", label=say("part"), elem_id="regions-part")
    with gr.Row(equal_height=True):
        other = gr.Number(0, precision=0, minimum=0, label=say("other"), elem_id="regions-other")
        take = gr.Button(say("take"), elem_id="regions-take", scale=0, min_width=220)
        right = gr.Number(0, label=say("right"), elem_id="regions-right")
        down = gr.Number(0, label=say("down"), elem_id="regions-down")
        shift = gr.Button(say("shift"), elem_id="regions-shift", scale=0, min_width=160)
    words = {language: texts | _region_words(language) for language, texts in TEXTS.items()}
    drawing = board(words, elem_id=_BOARD)
    with gr.Row(elem_classes="act"):
        paint_as = {**{name: f"regions_region_{name}" for name in _PAINTED}, **_LIPS, "rest": "regions_rest"}
        colour = gr.Dropdown(_in_english(desk, paint_as), value="tongue", label=say("colour"), elem_id="regions-colour")
        paint = gr.Button(say("paint"), elem_id="regions-paint", scale=0, min_width=220)
        undo = gr.Button(say("undo"), elem_id="regions-undo", scale=0, min_width=220)
    for component, attribute, key in (
        (intro, "value", "intro"),
        (source, "label", "source"),
        (name, "label", "name"),
        (part, "label", "part"),
        (other, "label", "other"),
        (take, "value", "take"),
        (right, "label", "right"),
        (down, "label", "down"),
        (shift, "value", "shift"),
        (colour, "label", "colour"),
        (paint, "value", "paint"),
        (undo, "value", "undo"),
    ):
        desk.localise(component, attribute, f"regions_{key}")
    for component, of in ((source, sources), (name, names), (part, parts), (colour, paint_as)):
        desk.localise(component, "choices", of)

    def first_of(result, language):
        if result is None:
            raise gr.Error(desk.text(language, "first_run"), print_exception=False, title=desk.text(language, "error"))
        return result

    def shown(result, regions):
        changed = result.with_regions(regions)
        return changed.payload, changed

    def stretch_of(moment, part):
        return (
            (int(moment["first"]), int(moment["last"])) if part == "stretch" and moment["first"] is not None else None
        )

    @desk.guard
    def choose(result, source, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        analysis = first_of(result, language).analysis
        tell = desk.progress(request, language, progress)
        return shown(result, regions_of(analysis.model_frames, analysis.fps, result.source, source, tell))

    @desk.guard
    def take_over(moment, result, language, name, part, other):
        if other is None:
            raise InputError("Give the number of the frame whose regions are to be taken.")
        regions = first_of(result, language).regions
        named = None if name == _WHOLE else name
        return shown(result, taken_from(regions, int(other), stretch_of(moment, part), named))

    @desk.guard
    def move(moment, result, language, name, part, right, down):
        regions = first_of(result, language).regions
        named = None if name == _WHOLE else name
        return shown(result, shifted(regions, (right or 0) / SIZE, (down or 0) / SIZE, stretch_of(moment, part), named))

    @desk.guard
    def paint_over(drawn, moment, result, language, colour, part):
        regions = first_of(result, language).regions
        polygons = read_drawing(drawn)["own"]
        if not polygons:
            raise InputError("Draw a shape on the picture first.")
        for polygon in polygons:
            on_square = [(float(x), float(y)) for x, y in _on_square(polygon, regions.shape)]
            regions = painted(regions, on_square, colour, stretch_of(moment, part))
        return shown(result, regions)

    @desk.guard
    def forget(result, source, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        return choose(result, source, language, request, progress)

    outputs = [desk.view, desk.result]
    moving = {"js": desk.moment_js, **desk.private}
    for event in (
        source.input(choose, [desk.result, source, desk.language], outputs, show_progress_on=desk.view, **desk.queued),
        undo.click(forget, [desk.result, source, desk.language], outputs, show_progress_on=desk.view, **desk.queued),
    ):
        desk.stoppable(event)
    at = [desk.moment, desk.result, desk.language]
    take.click(take_over, [*at, name, part, other], outputs, show_progress_on=desk.view, **moving)
    shift.click(move, [*at, name, part, right, down], outputs, show_progress_on=desk.view, **moving)
    paint.click(
        paint_over,
        [drawing, *at, colour, part],
        outputs,
        js=board_js(_BOARD, desk.moment_js),
        show_progress_on=desk.view,
        **desk.private,
    )

    def new_clip(result, language):
        height, width = result.analysis.model_frames.shape[1:]
        there = [known for known in SOURCES if known != "truth" or truth_beside(result.source)]
        offered = [(desk.text(language, sources[known]), known) for known in there]
        return gr.update(choices=offered, value=result.regions.source), [width, height]

    desk.result.change(
        new_clip,
        [desk.result, desk.language],
        [source, drawing],
        js=_LANGUAGE_JS,
        queue=False,
        show_progress="hidden",
        **desk.private,
    )


_LIPS = {"upper_lip": "regions_region_upper_lip", "lower_lip": "regions_region_lower_lip"}


def _on_square(polygon, shape: tuple[int, int]):
    """Points over the clip's picture (height, width), 0 to 1 -> over the square picture of the regions."""
    height, width = shape
    side = max(shape)
    for x, y in polygon:
        yield ((side - width) // 2 + x * width) / side, ((side - height) // 2 + y * height) / side


def _region_words(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}


def _in_english(desk: Desk, choices: dict[str, str]) -> list[tuple[str, str]]:
    return [(desk.text("en", key), value) for value, key in choices.items()]
