"""Opening a clip: the first example with the page, an example on selection, an upload by Analyse."""

import html
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import gradio as gr

from ..errors import InputError
from ..spec import DEFAULT_BANDS, Band
from . import session
from .clip_notes import Notes, own_clip_note
from .controls import PENDING_JS, Controls
from .long_clips import is_long, open_long_clip
from .page_context import PageContext
from .session import Result
from .target_rows import BandRows

_DEFAULT_ROWS = session.rows_of(DEFAULT_BANDS)
# The permalink in the page's address, after "#" (explorer/permalink.js), and whether it is on display (first_view.py).
_LINK_JS = """async (_, language) => {
    const link = new URLSearchParams(location.hash.slice(1)), shown = Boolean(await window.rtmri2speechFirst);
    document.body.classList.toggle("at-once", shown);
    return [{clip: link.get("clip"), bands: link.getAll("band"), energy: link.get("energy"), shown}, language];
}"""


def connect(context: PageContext, controls: Controls, bands: BandRows, view: gr.HTML, notes: Notes) -> None:
    """Wire the controls to the explorer."""
    _open_first(context, controls, bands, view)
    _connect_maps(context, controls, view)

    @context.guard
    def run(example, upload, reference, bundle_name, maps, rows, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        tell = context.progress(request, language, progress)
        for result in _opened(context, example, upload, reference, bundle_name, maps, rows, language, tell):
            yield result.payload, result, *notes.of(context, result, language)

    def forget_files(language):
        return [gr.update(value=None, label=context.text(language, key)) for key in ("upload", "reference")]

    # An example is analysed on selection, as its analysis is usually cached.
    files = [controls.upload, controls.reference]
    chosen = controls.example.select(None, js=PENDING_JS.format("true"), **context.private)
    chosen = chosen.then(forget_files, context.language, files, **context.at_once)
    for event in (controls.start.click, chosen.then):
        number = context.begins(event)
        running = event(bands.read, bands.values, bands.rows, **context.at_once).then(
            run,
            [controls.example, *files, controls.bundle, controls.maps, bands.rows, context.language],
            [view, context.result, notes.untrained, notes.own_clip, notes.about],
            show_progress_on=view,
            **context.queued,
        )
        running.success(None, js=PENDING_JS.format("false"), **context.private)
        # the notes are about the clip on display, also after a clip that could not be read
        known = [context.result, context.language]
        running.failure(partial(own_clip_note, context), known, notes.own_clip, **context.at_once)
        context.stoppable(running, number)


def connect_stop(context: PageContext) -> None:
    """Let every stop button, and leaving the page, end the session's work. To be called after all events are wired."""

    def end(request: gr.Request) -> None:
        context.jobs.stop(request.session_hash)

    stopping = gr.on(
        [button.click for button in context.stops], end, cancels=context.running, queue=False, **context.private
    )
    # A notice needs the queue, in which stopping must not wait.
    stopping.then(lambda language: gr.Info(context.text(language, "stopped")), context.language, **context.private)
    context.page.unload(end)


def _connect_maps(context: PageContext, controls: Controls, view: gr.HTML) -> None:
    """On selection, other maps of the clip on display; its regions and their corrections stay."""

    @context.guard
    def explain(result, maps, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if result is None or result.maps == maps:
            return gr.skip(), gr.skip()
        tell = context.progress(request, language, progress)
        changed = result.with_maps(context.bundle_of(result), maps, tell)
        return changed.change_of(result), changed

    inputs = [context.result, controls.maps, context.language]
    context.work(controls.maps.select, explain, inputs, [view, context.result], show_progress_on=view)


def _open_first(context: PageContext, controls: Controls, bands: BandRows, view: gr.HTML) -> None:
    """On load, the first example, or the one of the permalink in the address, with its bands and boxes."""

    @context.guard
    def open_first(link, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if context.examples.first is None:
            yield [gr.skip()] * (3 + len(bands.shown))
            return
        name, asked = link["clip"], session.bands_of_link(link["bands"])
        if name not in context.examples.names:
            if name:
                gr.Warning(html.escape(context.text(language, "link_unknown").format(name=name), quote=False))
            name, asked = None, ()
        asked = _usable(context, asked)
        rows = session.rows_of(asked)
        shown = bands.show(rows) if rows else [gr.skip()] * len(bands.shown)
        tell = context.progress(request, language, progress)
        chosen = (name or context.examples.first, None, None, context.bundles.first, session.DEFAULT_MAPS)
        for result in _opened(context, *chosen, rows or _DEFAULT_ROWS, language, tell):
            if result.whole_s is None:
                result = _asked(context, result, asked, "hz" if link["energy"] == "hz" else "db", language, tell)
            yield [gr.skip() if link["shown"] else result.payload, result, name or gr.skip(), *shown]

    # Outside the queue of analyses, as the first view must not wait for other users' clips.
    number = context.begins(context.page.load)
    opening = context.page.load(
        open_first,
        [context.explorer_state, context.language],
        [view, context.result, controls.example, *bands.shown],
        js=_LINK_JS,
        show_progress_on=view,
        concurrency_id="opening",
        concurrency_limit=8,
        **context.private,
    )
    opening.then(None, js="() => { document.body.classList.remove('at-once'); }", **context.private)
    context.result.change(None, js="() => { window.rtmri2speechReady = true; }", **context.private)  # custom_targets.js
    context.stoppable(opening, number)


def _asked(context: PageContext, result: Result, asked: tuple[Band, ...], energy: str, language: str, tell) -> Result:
    """A result with the rest of a permalink: maps of frequency, boxes and contrasts. What fails is reported and left
    out."""
    bundle, boxes = context.bundle_of(result), [band for band in asked if band.stretch is not None]
    steps = [lambda one: one.with_energy(bundle, energy, tell)] if energy != result.analysis.energy else []
    steps += [lambda one, box=box: one.with_box(bundle, box, tell) for box in boxes]
    for step in steps:
        try:
            result = step(result)
        except InputError as error:
            gr.Warning(html.escape(context.message(error, language), quote=False))
    return result


def _usable(context: PageContext, bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """The bands; none if they lie beyond the bundle's mel."""
    try:
        session.check_limits(context.bundles.load(context.bundles.first), bands)
    except InputError:
        return ()
    return bands


def _opened(
    context: PageContext, example, upload, reference, bundle_name, maps, rows, language, tell
) -> Iterator[Result]:
    """Yields results of an example, cached, or of an upload; a long clip's in chunks."""
    bands = session.bands_of(rows)
    if not upload and example not in context.examples.names:
        raise gr.Error(context.text(language, "nothing"), print_exception=False)
    path = Path(upload) if upload else context.examples.path(example)
    long = is_long(path)
    if not (upload or reference or long):
        yield context.examples.open(example, bundle_name, tell, bands, maps)
        return
    sound = Path(reference) if reference else None if upload else context.examples.sound(example)
    choices = {
        "bands": bands,
        "limits": context.limits,
        "bundle_name": bundle_name,
        "maps": maps,
        "regions": context.examples.regions,
        "linked": not (upload or reference),
    }
    bundle = context.bundles.load(bundle_name)
    if long:
        yield from open_long_clip(bundle, path, sound, tell, context.folder(), **choices)
    else:
        yield session.open_clip(bundle, path, sound, tell, **choices)
