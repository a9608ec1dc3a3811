"""The listener: a component of the page that plays sounds of one clip against each other at the same position."""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent


def listener(texts: dict[str, dict[str, str]], elem_id: str) -> gr.HTML:
    """The component. Its value is a payload (payload.py); texts: language -> key -> words, for data-text."""
    return gr.HTML(
        value="",
        html_template=(_HERE / "listen.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "listen.css").read_text(encoding="utf-8"),
        js_on_load=(_HERE / "listen.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        texts=texts,
    )
