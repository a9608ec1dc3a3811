"""The frame explorer: a component of the page that shows an analysis frame by frame, all within the browser."""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent
_FILES = ("explorer.html", "explorer.css", "explorer_core.js", "explorer.js")


def explorer(texts: dict[str, dict[str, str]], elem_id: str) -> gr.HTML:
    """The component. Its value is a payload; texts: language -> key -> words, for explorer.html's data-text."""
    read = {name: (_HERE / name).read_text(encoding="utf-8") for name in _FILES}
    return gr.HTML(
        value="",
        html_template=read["explorer.html"],
        css_template=read["explorer.css"],
        # Gradio runs one script, in which nothing can be imported.
        js_on_load=read["explorer_core.js"] + read["explorer.js"],
        apply_default_css=False,
        elem_id=elem_id,
        texts=texts,
    )
