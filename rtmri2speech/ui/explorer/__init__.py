"""The frame explorer: a page component that shows an analysis frame by frame, within the browser."""

from pathlib import Path

import gradio as gr

from ..component import Texts, component

_SCRIPTS = [
    "lanes.js",
    "explorer_core.js",
    "bands.js",
    "chunks.js",
    "frame_view.js",
    "ab_loop.js",
    "tracks.js",
    "time_frequency_box.js",
    "temporal.js",
    "custom_targets.js",
    "formants.js",
    "acoustics.js",
    "time_zoom.js",
    "source_frames.js",
    "goto.js",
    "permalink.js",
    "presentation_mode.js",
    "explorer.js",
]


def explorer(texts: Texts, elem_id: str) -> gr.HTML:
    """The component. Its value is a payload (payload.py) or empty."""
    return component(Path(__file__).parent, _SCRIPTS, texts, elem_id, value="")
