"""The drawing board: a component of the page to choose or draw what is hidden, over the explorer's frame."""

from pathlib import Path

import gradio as gr

from ...regions import TEMPLATE

_HERE = Path(__file__).parent


def board(texts: dict[str, dict[str, str]], elem_id: str) -> gr.HTML:
    """The component. Its value is the clip's picture as [width, height]; texts: language -> key -> words.

    What the person chose stands as JSON in its data-hiding attribute (experiment.read_hiding); give the component as
    an event's FIRST input with js=board_js(...) to receive it in place of the value.
    """
    return gr.HTML(
        value=None,
        html_template=(_HERE / "board.html").read_text(encoding="utf-8"),
        css_template=(_HERE / "board.css").read_text(encoding="utf-8"),
        js_on_load=(_HERE / "board.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id=elem_id,
        texts=texts,
        template=[{"name": region.name, "polygon": region.polygon} for region in TEMPLATE],
    )


def board_js(elem_id: str, moment_js: str) -> str:
    """The js of an event whose first input is the board and whose next ones `moment_js` (Desk) is for."""
    return f"""(_, ...rest) => [
        document.querySelector("#{elem_id} .board")?.dataset.hiding ?? "",
        ...({moment_js})(...rest),
    ]"""
