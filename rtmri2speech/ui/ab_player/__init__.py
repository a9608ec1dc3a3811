"""The A/B player: a component of the page that plays sounds of one clip against each other at the same position."""

from pathlib import Path

import gradio as gr

from ..component import Texts, component


def ab_player(texts: Texts, elem_id: str) -> gr.HTML:
    """The component. Its value is a payload (payload.py), or nothing yet."""
    return component(Path(__file__).parent, ["lanes.js", "ab_player.js"], texts, elem_id, value="")
