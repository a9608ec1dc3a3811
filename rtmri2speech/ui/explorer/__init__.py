"""The frame explorer: a component of the page that shows an analysis frame by frame, all within the browser."""

from pathlib import Path

import gradio as gr

from ..component import Texts, component

_SCRIPTS = [
    "lanes.js",
    "explorer_core.js",
    "bands.js",
    "parts.js",
    "picture.js",
    "turns.js",
    "tracks.js",
    "box.js",
    "reach.js",
    "asking.js",
    "formants.js",
    "view.js",
    "own_frames.js",
    "goto.js",
    "link.js",
    "room.js",
    "explorer.js",
]


def explorer(texts: Texts, elem_id: str) -> gr.HTML:
    """The component. Its value is a payload (payload.py), or nothing yet."""
    return component(Path(__file__).parent, _SCRIPTS, texts, elem_id, value="")
