"""The page, laid out as it reads from top to bottom."""

import tempfile
from pathlib import Path

import gradio as gr
import numpy as np

from ..errors import InputError
from ..models.bundle import KINDS, load_bundle
from . import handlers
from .texts import TEXTS

EXAMPLES = Path(__file__).parents[2] / "assets" / "clips"
LARGEST_UPLOAD = 200 * 2**20
DELETE_AFTER_S = 3600
_SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm", ".gif")

text = gr.I18n(**TEXTS)


def build(bundle_folder: Path | None = None, clips_folder: Path | None = None) -> gr.Blocks:
    """The page as Gradio Blocks: one bundle, the clips of a folder as examples.

    Raises InputError if the bundle cannot be loaded.
    """
    bundle = load_bundle(bundle_folder)
    folder = clips_folder or EXAMPLES
    # The browser sends a name; only these names lead to a file.
    examples = {f.stem: f for f in sorted(folder.glob("*")) if f.suffix.lower() in _SUFFIXES} if folder.is_dir() else {}

    def run(example: str | None, upload: str | None, progress=gr.Progress()):  # noqa: B008 (how Gradio hands it over)
        path = Path(upload) if upload else examples.get(example)
        if path is None:
            raise gr.Error("Choose an example clip or upload one. / 例を選ぶか、動画をアップロードしてください。")
        video = Path(tempfile.mkdtemp(prefix="rtmri2speech-", dir=page.GRADIO_CACHE)) / "overlay.mp4"
        try:
            analysis = handlers.run(bundle, path, video, lambda share, stage: progress(share, desc=stage))
        except InputError as error:
            raise gr.Error(str(error).replace(str(path), path.name), print_exception=False) from None
        last = len(analysis.mel_db) - 1
        return (
            (analysis.sample_rate, (analysis.audio * 32767).astype(np.int16)),
            str(video),
            analysis,
            gr.Slider(maximum=last, value=0, interactive=True),
            *show(analysis, 0),
        )

    def show(analysis, frame: float):
        if analysis is None:
            return None, None
        frame = min(int(frame), len(analysis.mel_db) - 1)
        return handlers.frame_picture(analysis, frame), handlers.frame_numbers(analysis, frame)

    with gr.Blocks(title="rtmri2speech", analytics_enabled=False, delete_cache=(600, DELETE_AFTER_S)) as page:
        state = gr.State(time_to_live=DELETE_AFTER_S)
        gr.Markdown("# rtmri2speech")
        gr.Markdown(text("intro"))
        if bundle.kind == "untrained":
            gr.Markdown(text("untrained"))
        with gr.Row():
            with gr.Column(scale=1):
                gr.Textbox(f"{bundle.name}: {KINDS[bundle.kind]}. {bundle.description}", label=text("bundle"), lines=2)
                example = gr.Dropdown(list(examples), value=next(iter(examples), None), label=text("clip"))
                upload = gr.File(label=text("upload"), file_types=list(_SUFFIXES), height=120)
                with gr.Row():
                    start = gr.Button(text("run"), variant="primary")
                    stop = gr.Button(text("stop"), variant="stop")
                audio = gr.Audio(label=text("speech"), interactive=False, buttons=["download"], elem_id="speech")
            with gr.Column(scale=1):
                video = gr.Video(
                    label=text("overlay"), interactive=False, height=420, buttons=["download"], elem_id="overlay"
                )
        frame = gr.Slider(0, 1, value=0, step=1, label=text("frame"), interactive=False, elem_id="frame")
        picture = gr.Image(
            label=text("picture"),
            interactive=False,
            format="png",
            elem_id="picture",
            buttons=["download", "fullscreen"],
        )
        numbers = gr.Markdown()
        gr.Markdown(text("caution"))

        outputs = [audio, video, state, frame, picture, numbers]
        running = start.click(run, [example, upload], outputs, concurrency_limit=1, api_visibility="private")
        stop.click(None, cancels=[running], api_visibility="private")
        frame.change(
            show,
            [state, frame],
            [picture, numbers],
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def launch(page: gr.Blocks, *, host: str, port: int, share: bool = False, open_browser: bool = False) -> None:
    """Serve the page until it is stopped. Nothing is loaded from outside; uploads are bounded."""
    page.queue(max_size=16).launch(
        server_name=host,
        server_port=port,
        share=share,
        inbrowser=open_browser,
        max_file_size=LARGEST_UPLOAD,
        i18n=text,
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        footer_links=[],
    )
