"""The A/B player: a page component that switches between sounds of one clip at the same position."""

from pathlib import Path

import gradio as gr

from ..component import Texts, component


def ab_player(texts: Texts, elem_id: str) -> gr.HTML:
    """The component. Its value is a payload (payload.py) or empty."""
    return component(Path(__file__).parent, ["lanes.js", "ab_player.js"], texts, elem_id, value="")
