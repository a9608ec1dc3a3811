"""The page, laid out as it reads from top to bottom."""

import html
import json
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr

from ..clip import ClipLimits
from ..embedded import ASSETS
from ..errors import InputError
from ..progress import UNSEEN
from ..spec import DEFAULT_BANDS, Band
from . import api, handlers
from .bundles import Bundles
from .desk import Desk
from .examples import SUFFIXES, Examples
from .explorer import explorer
from .panels import compare, export, hide, quality
from .texts import EXPLORER, TEXTS

EXAMPLES = ASSETS / "clips"
DELETE_AFTER_S = 3600
MOST_WAITING = 24
PANELS = {"export": export, "hide": hide, "compare": compare, "quality": quality}
# What a new row of the bands holds; the first two are the default bands.
SUGGESTED_BANDS = (*DEFAULT_BANDS, Band("F3", 2500.0, 3500.0), Band("F4", 3500.0, 4500.0))

_LANGUAGE_JS = """(chosen, ...files) => {{
    const language = {language};
    document.documentElement.lang = language;
    const example = document.querySelector("#example input");
    if (example) example.placeholder = {placeholder}[language];
    return [language, ...files];
}}"""
_PENDING = "() => {{ document.body.classList.toggle('pending', {}); }}"  # chosen, but not yet shown
_ESCAPE = """() => document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.body.classList.remove("editing-bands");
})"""
_TOGGLE = "() => {{ document.body.classList.toggle('{}'); }}"


@dataclass(frozen=True)
class Settings:
    """What the person who starts the page decides. language: "en", "ja", or None for that of each browser."""

    bundle: Path | None = None
    bundles: Path | None = None
    clips: Path = EXAMPLES
    language: str | None = None
    limits: ClipLimits = field(default_factory=lambda: handlers.PAGE_LIMITS)
    largest_upload: int = 200 * 2**20


def build(settings: Settings | None = None) -> gr.Blocks:
    """The page as Gradio Blocks. Raises InputError if a folder is missing or the default bundle cannot be loaded."""
    settings = settings or Settings()
    if not settings.clips.is_dir():
        raise InputError("There is no folder of clips {folder}.", folder=settings.clips)
    bundles = Bundles(settings.bundle, settings.bundles)
    examples = Examples(bundles, settings.clips)
    words = TEXTS["en"]

    with gr.Blocks(title="rtmri2speech", analytics_enabled=False, delete_cache=(600, DELETE_AFTER_S)) as page:
        result = gr.State(time_to_live=DELETE_AFTER_S)
        moment = gr.JSON(visible=False)
        with gr.Row(elem_id="head"):
            gr.Markdown("# rtmri2speech", container=False)
            intro = gr.Markdown(words["intro"], container=False)
            language = gr.Radio(
                [("English", "en"), ("日本語", "ja")], value="en", show_label=False, container=False, elem_id="language"
            )
            large = gr.Button(words["large"], size="sm")
            dark = gr.Button(words["dark"], size="sm")
        with gr.Row(elem_id="controls"):
            example = gr.Dropdown(
                examples.names, value=examples.first, label=words["clip"], container=False, elem_id="example"
            )
            upload = gr.UploadButton(words["upload"], file_types=list(SUFFIXES), elem_id="upload")
            reference = gr.UploadButton(words["reference"], file_types=["audio"], elem_id="reference")
            chosen_bundle = gr.Dropdown(
                bundles.names,
                value=bundles.first,
                label=words["bundle"],
                container=False,
                visible=len(bundles.names) > 1,
                elem_id="bundle",
            )
            edit_bands = gr.Button(words["bands"], elem_id="edit-bands")
            start = gr.Button(words["run"], variant="primary", elem_id="run")
            stop = gr.Button(words["stop"], elem_id="stop")
        rows = gr.State([(band.name, band.low_hz, band.high_hz) for band in DEFAULT_BANDS])
        with gr.Row(elem_id="bands"):
            fields, places, removers = [], [], []
            for number, band in enumerate(SUGGESTED_BANDS):
                with gr.Row(visible=number < len(DEFAULT_BANDS), elem_classes="band") as place:
                    name = gr.Textbox(band.name, label=words["band_name"], max_length=24, min_width=60)
                    low = gr.Number(band.low_hz, label=words["band_low"], min_width=80)
                    high = gr.Number(band.high_hz, label=words["band_high"], min_width=80)
                    remove = gr.Button(words["band_remove"], size="sm", min_width=40)
                fields += [name, low, high]
                places.append(place)
                removers.append(remove)
            add = gr.Button(words["band_add"], size="sm", min_width=80, elem_id="band-add")
            bands_note = gr.Markdown(words["bands_note"], elem_classes="note", container=False)
        untrained = gr.Markdown(words["untrained"], visible=_untrained(bundles, bundles.first))
        own_clip = gr.Markdown(visible=False, elem_classes="note", elem_id="own-clip")
        view = explorer(EXPLORER, elem_id="explorer")
        with gr.Column(elem_id="notes"):
            caution = gr.Markdown(words["caution"], elem_classes="note", container=False)
            about = gr.Markdown(_about(bundles, bundles.first, "en"), elem_classes="note", container=False)

        desk = Desk(page, bundles, examples, settings.limits, result, language, view, moment)
        desk.stop_button(stop)
        for component, attribute, key in (
            (intro, "value", "intro"),
            (large, "value", "large"),
            (dark, "value", "dark"),
            (example, "label", "clip"),
            (chosen_bundle, "label", "bundle"),
            (edit_bands, "value", "bands"),
            (add, "value", "band_add"),
            (bands_note, "value", "bands_note"),
            (start, "value", "run"),
            (stop, "value", "stop"),
            (untrained, "value", "untrained"),
            (caution, "value", "caution"),
            *((remove, "value", "band_remove") for remove in removers),
            *zip(fields, ["label"] * len(fields), ["band_name", "band_low", "band_high"] * len(places), strict=True),
        ):
            desk.localise(component, attribute, key)
        with gr.Tabs(elem_id="panels"):
            for panel_name, panel in PANELS.items():
                with gr.Tab(words[f"tab_{panel_name}"], elem_id=f"tab-{panel_name}") as tab:
                    desk.localise(tab, "label", f"tab_{panel_name}")
                    panel.build(desk)
        api.build(desk)

        # ---- what happens ----
        at_once = {**desk.private, "queue": False, "show_progress": "hidden"}

        @desk.guard
        def run(example, upload, reference, bundle_name, rows, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
            bands = handlers.bands_of(rows)
            if not upload and example not in examples.names:
                raise gr.Error(desk.text(language, "nothing"), print_exception=False)
            tell = desk.progress(request, language, progress)
            if not (upload or reference) and bands == DEFAULT_BANDS:
                result = examples.open(example, bundle_name, tell)
            else:
                result = handlers.open_clip(
                    bundles.load(bundle_name),
                    Path(upload) if upload else examples.path(example),
                    Path(reference) if reference else None if upload else examples.sound(example),
                    tell,
                    bands=bands,
                    limits=settings.limits,
                    bundle_name=bundle_name,
                )
            return (
                result.payload,
                result,
                _about(bundles, bundle_name, language),
                gr.update(visible=_untrained(bundles, bundle_name)),
                own_clip_note(result, language),
            )

        def own_clip_note(result, language):
            if result is None or result.source.parent == examples.folder:
                return gr.update(visible=False)
            about = bundles.load(result.bundle_name).description_in(language)
            return gr.update(value=desk.text(language, "own_clip").format(about=about), visible=True)

        @desk.guard
        def open_first(language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
            if examples.first is None:
                return gr.skip(), gr.skip()
            result = examples.open(examples.first, bundles.first, desk.progress(request, language, progress))
            return result.payload, result

        def read_rows(rows, *values):
            return [tuple(values[3 * k : 3 * k + 3]) for k in range(len(rows))]

        def show_rows(rows):
            values = [value for row in rows for value in row]
            values += [gr.skip()] * (len(fields) - len(values))
            shown = [gr.update(visible=k < len(rows)) for k in range(len(places))]
            return rows, *values, *shown, gr.update(visible=len(rows) < len(places))

        def add_row(rows, *values):
            rows = read_rows(rows, *values)
            names = {name for name, _, _ in rows}
            fresh = next((band for band in SUGGESTED_BANDS if band.name not in names), SUGGESTED_BANDS[len(rows)])
            return show_rows([*rows, (fresh.name, fresh.low_hz, fresh.high_hz)])

        def remove_row(number):
            def removed(rows, *values):
                rows = read_rows(rows, *values)
                return show_rows(rows[:number] + rows[number + 1 :] if len(rows) > 1 else rows)

            return removed

        row_values, row_places = [rows, *fields], [rows, *fields, *places, add]
        pend, settle = ({"fn": None, "js": _PENDING.format(js), **desk.private} for js in ("true", "false"))
        add.click(add_row, row_values, row_places, **at_once)
        for number, remove in enumerate(removers):
            remove.click(remove_row(number), row_values, row_places, **at_once)
        edit_bands.click(None, js=_TOGGLE.format("editing-bands"), **desk.private)
        page.load(None, js=_ESCAPE, **desk.private)
        gr.on(
            [
                chosen_bundle.select,
                add.click,
                *(button.click for button in removers),
                *(field.input for field in fields),
            ],
            **pend,
        )

        # Not in the queue of the analyses: a newcomer's first view must not wait for other people's clips.
        opening = page.load(
            open_first,
            language,
            [view, result],
            show_progress_on=view,
            concurrency_id="opening",
            concurrency_limit=8,
            **desk.private,
        )
        desk.stoppable(opening)

        def forget_files(language):
            return gr.update(value=None, label=desk.text(language, "upload")), gr.update(
                value=None, label=desk.text(language, "reference")
            )

        # An example is analysed as soon as it is chosen: most often its analysis is there already.
        chosen = example.select(**pend).then(forget_files, language, [upload, reference], **at_once)
        for event in (start.click, chosen.then):
            running = event(read_rows, row_values, rows, **at_once).then(
                run,
                [example, upload, reference, chosen_bundle, rows, language],
                [view, result, about, untrained, own_clip],
                show_progress_on=view,
                **desk.queued,
            )
            running.success(**settle)
            desk.stoppable(running)

        def end(request: gr.Request) -> None:
            desk.jobs.stop(request.session_hash)

        stopping = gr.on(
            [button.click for button in desk.stops], end, cancels=desk.running, queue=False, **desk.private
        )
        # A notice needs the queue; stopping must not wait in it.
        stopping.then(
            lambda language: gr.Info(desk.text(language, "stopped")),
            language,
            **desk.private,
        )
        page.unload(end)

        def named(file, language, key):
            return gr.update(label=Path(file).name if file else desk.text(language, key))

        reference.upload(**pend)
        reference.upload(
            lambda file, language: named(file, language, "reference"), [reference, language], reference, **at_once
        )

        def opened(file, language):
            """The clip's name, in place of the example's; a file that is no clip is refused at once."""
            try:
                handlers.check_clip(Path(file), settings.limits)
            except InputError as error:
                gr.Warning(html.escape(desk.message(error, language), quote=False))
                return gr.update(value=None, label=desk.text(language, "upload")), gr.skip()
            return named(file, language, "upload"), None

        upload.upload(
            opened, [upload, language], [upload, example], show_progress="hidden", concurrency_limit=8, **desk.private
        ).then(None, upload, js="(clip) => { document.body.classList.toggle('pending', !!clip); }", **desk.private)

        def localise(language, clip, sound, result):
            of_result = _about(bundles, result.bundle_name if result else bundles.first, language)
            files = (named(clip, language, "upload"), named(sound, language, "reference"))
            return language, *files, of_result, own_clip_note(result, language), *desk.words_in(language)

        localised = [language, upload, reference, about, own_clip, *(component for component, _, _ in desk.words)]
        known = [language, upload, reference, result]
        example_words = json.dumps({name: texts["choose_example"] for name, texts in TEXTS.items()})
        own = f'"{settings.language}"' if settings.language else 'navigator.language.startsWith("ja") ? "ja" : "en"'
        own_js, chosen_js = (_LANGUAGE_JS.format(language=of, placeholder=example_words) for of in (own, "chosen"))
        page.load(localise, known, localised, js=own_js, **at_once)
        language.input(localise, known, localised, js=chosen_js, **at_once)
        large.click(None, js=_TOGGLE.format("large"), **desk.private)
        dark.click(None, js=_TOGGLE.format("dark"), **desk.private)

    page.settings, page.desk = settings, desk
    return page


def prepare(page: gr.Blocks) -> None:
    """Analyse the first example, so that the page is alive as soon as it is open."""
    examples = page.desk.examples
    if examples.first is not None:
        try:
            examples.open(examples.first, page.desk.bundles.first, UNSEEN)
        except InputError:
            pass  # said on the page, where the example is opened


def launch(
    page: gr.Blocks,
    *,
    host: str,
    port: int,
    share: bool = False,
    open_browser: bool = False,
    mcp: bool = False,
    blocking: bool = True,
) -> None:
    """Serve the page, if `blocking` until it is stopped. Nothing is loaded from outside; uploads are bounded."""
    prepare(page)
    here = Path(__file__).parent
    page.queue(max_size=MOST_WAITING).launch(
        server_name=host,
        server_port=port,
        share=share,
        inbrowser=open_browser,
        mcp_server=mcp,
        prevent_thread_lock=not blocking,
        max_file_size=page.settings.largest_upload,
        # Orange and blue are the bands' colours: the page itself keeps to gray.
        theme=gr.themes.Default(
            primary_hue="slate", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        css_paths=[here / "page.css", *sorted((here / "panels").glob("*.css"))],
        footer_links=[],
    )


def _about(bundles: Bundles, name: str, language: str) -> str:
    """What the bundle is; its description is in the language of who made it."""
    bundle = bundles.load(name)
    kind = TEXTS[language][f"kind_{bundle.kind}"]
    return f"**{bundle.name}**: {kind}{'。' if language == 'ja' else '. '}{bundle.description_in(language)}"


def _untrained(bundles: Bundles, name: str) -> bool:
    return bundles.load(name).kind == "untrained"
