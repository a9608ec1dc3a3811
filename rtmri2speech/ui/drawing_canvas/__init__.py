"""The drawing canvas: a page component to choose or draw regions over the explorer's frame."""

from pathlib import Path

import gradio as gr

from ...analysis.region_attribution import NAMED_REGIONS
from ..component import Texts, component
from ..texts import EXPLORER


def drawing_canvas(texts: Texts, elem_id: str) -> gr.HTML:
    """The component. Its value is the clip's size as [width, height].

    It shows the explorer's frame and its regions' outlines. The choice is JSON in its data-hiding attribute
    (occlusion.read_occlusion); an event whose FIRST input is the component, with js=drawing_canvas_js(...), receives it
    in place of the value.
    """
    words = {language: {**texts[language], **_region_names(language)} for language in texts}
    return component(Path(__file__).parent, ["drawing_canvas.js"], words, elem_id, regions=list(NAMED_REGIONS))


def drawing_canvas_js(elem_id: str, explorer_state_js: str) -> str:
    """The js of an event whose first input is the canvas and whose next inputs are for `explorer_state_js`
    (PageContext)."""
    return f"""(_, ...rest) => [
        document.querySelector("#{elem_id} .board")?.dataset.hiding ?? "",
        ...({explorer_state_js})(...rest),
    ]"""


def _region_names(language: str) -> dict[str, str]:
    return {f"hide_{key}": words for key, words in EXPLORER[language].items() if key.startswith("region_")}
