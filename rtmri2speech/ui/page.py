"""The page, laid out as it reads from top to bottom."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from ..assets import ASSETS
from ..clips.clip import ClipLimits
from ..clips.disk_array import keep_little
from ..errors import InputError
from ..progress import UNSEEN
from . import (
    api,
    controls,
    first_view,
    opening,
    page_header,
    reference_row,
    session,
    target_rows,
    temporal_requests,
    time_frequency_boxes,
    toast_translations,
    whisper_button,
)
from .allowed_hosts import KnownHosts
from .bundles import Bundles
from .clip_notes import Notes, about, is_untrained, own_clip_note
from .controls import Controls, named
from .examples import Examples
from .explorer import explorer
from .page_context import PageContext
from .panels import compare, export, faithfulness, labels, occlusion, quality, regions, voice
from .request_validation import Page
from .texts import EXPLORER, TEXTS

EXAMPLES = ASSETS / "clips"
DELETE_AFTER_S = 3600
MOST_WAITING = 24
PANELS = {
    "export": export,
    "trust": faithfulness,
    "regions": regions,
    "labels": labels,
    "hide": occlusion,
    "voice": voice,
    "compare": compare,
    "quality": quality,
}

# The language of this tab, kept over a reload, or else the browser's; the page is laid out in English.
_OWN_LANGUAGE_JS = """() => {{
    let language = {or_else};
    try {{ language = sessionStorage.getItem("rtmri2speech-language") ?? language; }} catch {{ }}
    {say}
    return language;
}}"""
_LANGUAGE_JS = """(language, ...files) => {{
    try {{ sessionStorage.setItem("rtmri2speech-language", language); }} catch {{ }}
    {say}
    return [language, ...files];
}}"""
_SAY_JS = """document.documentElement.lang = language;
    const example = document.querySelector("#example input");
    if (example) example.placeholder = {placeholder}[language];"""


@dataclass(frozen=True)
class Settings:
    """Settings of a page. language: "en", "ja", or None: the browser's. regions: of anatomy.regions.SOURCES."""

    bundle: Path | None = None
    bundles: Path | None = None
    clips: Path = EXAMPLES
    language: str | None = None
    regions: str = "segmenter"
    limits: ClipLimits = field(default_factory=lambda: session.PAGE_LIMITS)
    largest_upload: int = 200 * 2**20


def build(settings: Settings | None = None) -> gr.Blocks:
    """Build the page as Gradio Blocks. Raises InputError if a folder is missing or the default bundle cannot be
    loaded."""
    settings = settings or Settings()
    if not settings.clips.is_dir():
        raise InputError("There is no folder of clips {folder}.", folder=settings.clips)
    bundles = Bundles(settings.bundle, settings.bundles)
    examples = Examples(bundles, settings.clips, settings.regions)

    with Page(title="rtmri2speech", analytics_enabled=False, delete_cache=(600, DELETE_AFTER_S)) as page:
        result = gr.State(time_to_live=DELETE_AFTER_S)
        explorer_state = gr.JSON(visible=False)
        top = page_header.lay_out()
        context = PageContext(page, bundles, examples, settings.limits, result, top.language, explorer_state)
        top.connect(context)
        chosen = controls.build(context)
        bands = target_rows.build(context, chosen.edit_bands)
        untrained = context.worded(gr.Markdown, {"value": "untrained"}, visible=is_untrained(context, bundles.first))
        own_clip = gr.Markdown(visible=False, elem_classes="note", elem_id="own-clip")
        view = context.view = explorer(EXPLORER, elem_id="explorer")
        reference_row.build(context)
        time_frequency_boxes.build(context)
        temporal_requests.build(context)
        with gr.Column(elem_id="notes"):
            context.note("caution")
            whisper_button.build(context)
            of_bundle = gr.Markdown(about(context, bundles.first, "en"), elem_classes="note", container=False)
        notes = Notes(untrained, own_clip, of_bundle)
        with gr.Tabs(elem_id="panels"):
            for panel_name, panel in PANELS.items():
                with context.worded(gr.Tab, {"label": f"tab_{panel_name}"}, elem_id=f"tab-{panel_name}"):
                    panel.build(context)
        context.result.change(
            partial(own_clip_note, context), [context.result, context.language], own_clip, **context.at_once
        )
        toast_translations.connect(page)
        api.build(context)
        opening.connect(context, chosen, bands, view, notes)
        opening.connect_stop(context)
        _connect_language(context, chosen, notes, settings.language)

    page.settings, page.context = settings, context
    return page


def _connect_language(context: PageContext, chosen: Controls, notes: Notes, language: str | None) -> None:
    """Wire the language: `language` or the browser's on load, then the radio's."""

    def localise(language, clip, sound, result):
        of_bundle = about(context, result.bundle_name if result else context.bundles.first, language)
        files = named(context, clip, language, "upload"), named(context, sound, language, "reference")
        return *files, of_bundle, own_clip_note(context, result, language), *context.words_in(language)

    said = (component for component, _, _ in context.words)
    localised = [chosen.upload, chosen.reference, notes.about, notes.own_clip, *said]
    known = [context.language, chosen.upload, chosen.reference, context.result]
    example_words = json.dumps({name: texts["choose_example"] for name, texts in TEXTS.items()})
    own = f'"{language}"' if language else 'navigator.language.startsWith("ja") ? "ja" : "en"'
    say = _SAY_JS.format(placeholder=example_words)
    context.page.load(None, None, context.language, js=_OWN_LANGUAGE_JS.format(or_else=own, say=say), **context.private)
    # Updates of so many components slow all later events of the page, so they are skipped where nothing changes.
    context.language.change(localise, known, localised, js=_LANGUAGE_JS.format(say=say), **context.at_once)


def prepare(page: gr.Blocks) -> None:
    """Analyse the first example, so that the page shows it on load."""
    examples = page.context.examples
    if examples.first is not None:
        try:
            examples.open(examples.first, page.context.bundles.first, UNSEEN)
        except InputError:
            pass  # reported on the page when the example is opened


def launch(
    page: gr.Blocks,
    *,
    host: str,
    port: int,
    names: Sequence[str] = (),
    share: bool = False,
    open_browser: bool = False,
    mcp: bool = False,
    blocking: bool = True,
    root_path: str | None = None,
) -> None:
    """Serve the page, if `blocking` until it is stopped. Nothing is loaded from outside; uploads are limited.

    names: further allowed host names. root_path: path of the page behind a proxy, such as "/rtmri2speech".
    """
    keep_little()
    _without_proxy(host)
    prepare(page)
    here = Path(__file__).parent
    page.queue(max_size=MOST_WAITING).launch(
        server_name=host,
        server_port=port,
        root_path=root_path,
        share=share,
        inbrowser=open_browser,
        mcp_server=mcp,
        prevent_thread_lock=not blocking,
        _frontend=False,  # Gradio gives up if the page takes more than 3 s to respond to its own machine
        max_file_size=page.settings.largest_upload,
        app_kwargs={
            "middleware": [Middleware(KnownHosts, host=host, names=names, share=share)],
            "routes": [first_view.route(page.context)],
        },
        head=first_view.HEAD,
        # Orange and blue are the bands' colours, so the page itself is gray.
        theme=gr.themes.Default(
            primary_hue="slate", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        css_paths=[here / "page.css", *sorted((here / "panels").glob("*.css"))],
        footer_links=[],
    )


def _without_proxy(host: str) -> None:
    """Exempt local requests from a proxy, as Gradio requests the page from itself at start."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [one for one in (os.environ.get(name), "localhost", "127.0.0.1", "::1", host) if one]
        os.environ[name] = ",".join(dict.fromkeys(known))
