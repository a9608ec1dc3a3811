"""The page, laid out as it reads from top to bottom."""

import tempfile
from pathlib import Path
from threading import Thread

import gradio as gr

from ..errors import InputError
from ..models.bundle import KINDS, load_bundle
from . import handlers
from .examples import SUFFIXES, Examples
from .explorer import explorer
from .jobs import Jobs, Stopped
from .texts import EXPLORER, TEXTS

EXAMPLES = Path(__file__).parents[2] / "assets" / "clips"
LARGEST_UPLOAD = 200 * 2**20
DELETE_AFTER_S = 3600

_BROWSER_LANGUAGE = """(_, ...files) => {
    const language = navigator.language.startsWith("ja") ? "ja" : "en";
    document.documentElement.lang = language;
    return [language, ...files];
}"""
_CHOSEN_LANGUAGE = """(language, ...files) => {
    document.documentElement.lang = language;
    return [language, ...files];
}"""
_TOGGLE = "() => {{ document.body.classList.toggle('{}'); }}"


def build(bundle_folder: Path | None = None, clips_folder: Path | None = None) -> gr.Blocks:
    """The page as Gradio Blocks: one bundle, the clips of a folder as examples.

    Raises InputError if the bundle cannot be loaded.
    """
    bundle = load_bundle(bundle_folder)
    examples = Examples(bundle, clips_folder or EXAMPLES)
    first = next(iter(examples.names), None)
    jobs = Jobs()

    def working(request: gr.Request, language: str, progress: gr.Progress) -> handlers.Progress:
        check = jobs.start(request.session_hash)

        def tell(share: float, stage: str) -> None:
            check()
            progress(share, desc=TEXTS[language][f"stage_{stage}"])

        return tell

    def run(example, upload, reference, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (Gradio)
        if not upload and example not in examples.names:
            raise gr.Error(TEXTS[language]["nothing"], print_exception=False)
        path = Path(upload) if upload else examples.path(example)
        sound = Path(reference) if reference else None
        tell = working(request, language, progress)
        try:
            if upload or sound:
                result = handlers.open_clip(bundle, path, sound, tell)
            else:
                result = examples.open(example, tell)
        except InputError as error:
            raise gr.Error(_without_folders(str(error), path, sound), print_exception=False) from None
        except Stopped:
            gr.Info(TEXTS[language]["stopped"], title="")
            return (gr.skip(),) * 3
        return result.payload, result, gr.update(visible=False)

    def open_first(language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        return run(first, None, None, language, request, progress) if first else (gr.skip(),) * 3

    def make_overlay(result, language, request: gr.Request, progress=gr.Progress()):  # noqa: B008
        if result is None:
            raise gr.Error(TEXTS[language]["first_run"], print_exception=False)
        video = Path(tempfile.mkdtemp(prefix="rtmri2speech-", dir=page.GRADIO_CACHE)) / "overlay.mp4"
        try:
            handlers.write_overlay(result.analysis, video, working(request, language, progress))
        except Stopped:
            gr.Info(TEXTS[language]["stopped"], title="")
            return gr.skip()
        return gr.update(value=str(video), visible=True)

    def end(request: gr.Request) -> None:
        jobs.stop(request.session_hash)

    with gr.Blocks(title="rtmri2speech", analytics_enabled=False, delete_cache=(600, DELETE_AFTER_S)) as page:
        state = gr.State(time_to_live=DELETE_AFTER_S)
        with gr.Row(elem_id="head"):
            gr.Markdown("# rtmri2speech", container=False)
            intro = gr.Markdown(TEXTS["en"]["intro"], container=False)
            language = gr.Radio(
                [("English", "en"), ("日本語", "ja")], value="en", show_label=False, container=False, elem_id="language"
            )
            large = gr.Button(TEXTS["en"]["large"], size="sm")
            dark = gr.Button(TEXTS["en"]["dark"], size="sm")
        with gr.Row(elem_id="controls"):
            example = gr.Dropdown(examples.names, value=first, label=TEXTS["en"]["clip"], container=False, scale=3)
            upload = gr.UploadButton(TEXTS["en"]["upload"], file_types=list(SUFFIXES), elem_id="upload")
            reference = gr.UploadButton(TEXTS["en"]["reference"], file_types=["audio"], elem_id="reference")
            start = gr.Button(TEXTS["en"]["run"], variant="primary", elem_id="run")
            stop = gr.Button(TEXTS["en"]["stop"], elem_id="stop")
        untrained = gr.Markdown(TEXTS["en"]["untrained"], visible=bundle.kind == "untrained")
        view = explorer(EXPLORER, elem_id="explorer")
        with gr.Row():
            export = gr.Button(TEXTS["en"]["make_overlay"], elem_id="make-overlay", size="sm", scale=0, min_width=280)
            with gr.Column():
                about = f"**{bundle.name}**: {KINDS[bundle.kind]}. {bundle.description}"
                gr.Markdown(about, elem_classes="note", container=False)
                caution = gr.Markdown(TEXTS["en"]["caution"], elem_classes="note", container=False)
        video = gr.Video(
            label=TEXTS["en"]["overlay"],
            visible=False,
            interactive=False,
            height=480,
            buttons=["download"],
            elem_id="overlay",
        )

        private = {"api_visibility": "private"}
        queued = {**private, "concurrency_id": "analysis", "concurrency_limit": 1}
        shown = [view, state, video]
        opening = page.load(open_first, language, shown, show_progress_on=view, **queued)
        inputs = [example, upload, reference, language]
        running = start.click(run, inputs, shown, show_progress_on=view, **queued)
        exporting = export.click(make_overlay, [state, language], video, show_progress_on=export, **queued)
        stop.click(end, cancels=[opening, running, exporting], queue=False, **private)
        page.unload(end)

        def named(file, key):
            return lambda path, language: gr.update(label=Path(path).name if path else TEXTS[language][key])

        upload.upload(named(upload, "upload"), [upload, language], upload, **private)
        reference.upload(named(reference, "reference"), [reference, language], reference, **private)

        def choose_example(language):
            words = TEXTS[language]
            return gr.update(value=None, label=words["upload"]), gr.update(value=None, label=words["reference"])

        example.input(choose_example, language, [upload, reference], **private)

        words = {
            (intro, "value"): "intro",
            (large, "value"): "large",
            (dark, "value"): "dark",
            (example, "label"): "clip",
            (start, "value"): "run",
            (stop, "value"): "stop",
            (untrained, "value"): "untrained",
            (export, "value"): "make_overlay",
            (caution, "value"): "caution",
            (video, "label"): "overlay",
        }

        def localise(language, clip, sound):
            updates = [gr.update(**{attribute: TEXTS[language][key]}) for (_, attribute), key in words.items()]
            return language, named(clip, "upload")(clip, language), named(sound, "reference")(sound, language), *updates

        localised = [language, upload, reference, *(component for component, _ in words)]
        at_once = {**private, "queue": False, "show_progress": "hidden"}
        page.load(localise, localised[:3], localised, js=_BROWSER_LANGUAGE, **at_once)
        language.input(localise, localised[:3], localised, js=_CHOSEN_LANGUAGE, **at_once)
        large.click(None, js=_TOGGLE.format("large"), **private)
        dark.click(None, js=_TOGGLE.format("dark"), **private)

    page.prepare = lambda: first and examples.open(first, lambda share, stage: None)
    return page


def launch(page: gr.Blocks, *, host: str, port: int, share: bool = False, open_browser: bool = False) -> None:
    """Serve the page until it is stopped. Nothing is loaded from outside; uploads are bounded."""
    Thread(target=page.prepare, daemon=True).start()
    page.queue(max_size=16).launch(
        server_name=host,
        server_port=port,
        share=share,
        inbrowser=open_browser,
        max_file_size=LARGEST_UPLOAD,
        # Orange and blue are the bands' colours: the page itself keeps to gray.
        theme=gr.themes.Default(
            primary_hue="slate", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        ),
        css_paths=Path(__file__).parent / "page.css",
        footer_links=[],
    )


def _without_folders(message: str, *paths: Path | None) -> str:
    """The message with file names in place of paths."""
    for path in filter(None, paths):
        message = message.replace(str(path), path.name)
    return message
