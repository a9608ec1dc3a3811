"""Opening a clip: the first example with the page, an example as soon as it is chosen, what Analyse asks for."""

from pathlib import Path

import gradio as gr

from ..spec import DEFAULT_BANDS
from . import handlers
from .band_rows import BandRows
from .controls import PENDING_JS, Controls
from .desk import Desk
from .handlers import Result
from .notes import Notes


def connect(desk: Desk, controls: Controls, bands: BandRows, view: gr.HTML, notes: Notes) -> None:
    """Wires what is chosen to what is shown."""
    _open_first(desk, view)

    @desk.guard
    def run(example, upload, reference, bundle_name, rows, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        tell = desk.progress(request, language, progress)
        result = _opened(desk, example, upload, reference, bundle_name, rows, language, tell)
        return result.payload, result, *notes.of(desk, result, language)

    def forget_files(language):
        return [gr.update(value=None, label=desk.text(language, key)) for key in ("upload", "reference")]

    # An example is analysed as soon as it is chosen: most often its analysis is there already.
    files = [controls.upload, controls.reference]
    chosen = controls.example.select(None, js=PENDING_JS.format("true"), **desk.private)
    chosen = chosen.then(forget_files, desk.language, files, **desk.at_once)
    for event in (controls.start.click, chosen.then):
        running = event(bands.read, bands.values, bands.rows, **desk.at_once).then(
            run,
            [controls.example, *files, controls.bundle, bands.rows, desk.language],
            [view, desk.result, notes.untrained, notes.own_clip, notes.about],
            show_progress_on=view,
            **desk.queued,
        )
        running.success(None, js=PENDING_JS.format("false"), **desk.private)
        desk.stoppable(running)


def connect_stop(desk: Desk) -> None:
    """Every stop button, and leaving the page, ends the session's work. To be called once all events are wired."""

    def end(request: gr.Request) -> None:
        desk.jobs.stop(request.session_hash)

    stopping = gr.on([button.click for button in desk.stops], end, cancels=desk.running, queue=False, **desk.private)
    # A notice needs the queue; stopping must not wait in it.
    stopping.then(lambda language: gr.Info(desk.text(language, "stopped")), desk.language, **desk.private)
    desk.page.unload(end)


def _open_first(desk: Desk, view: gr.HTML) -> None:
    @desk.guard
    def open_first(language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if desk.examples.first is None:
            return gr.skip(), gr.skip()
        tell = desk.progress(request, language, progress)
        result = desk.examples.open(desk.examples.first, desk.bundles.first, tell)
        return result.payload, result

    # Not in the queue of the analyses: a newcomer's first view must not wait for other people's clips.
    opening = desk.page.load(
        open_first,
        desk.language,
        [view, desk.result],
        show_progress_on=view,
        concurrency_id="opening",
        concurrency_limit=8,
        **desk.private,
    )
    desk.stoppable(opening)


def _opened(desk: Desk, example, upload, reference, bundle_name, rows, language, tell) -> Result:
    """The example, whose analysis is kept where nothing else was asked for, or the person's own clip."""
    bands = handlers.bands_of(rows)
    if not upload and example not in desk.examples.names:
        raise gr.Error(desk.text(language, "nothing"), print_exception=False)
    if not (upload or reference) and bands == DEFAULT_BANDS:
        return desk.examples.open(example, bundle_name, tell)
    return handlers.open_clip(
        desk.bundles.load(bundle_name),
        Path(upload) if upload else desk.examples.path(example),
        Path(reference) if reference else None if upload else desk.examples.sound(example),
        tell,
        bands=bands,
        limits=desk.limits,
        bundle_name=bundle_name,
        regions=desk.examples.regions,
    )
