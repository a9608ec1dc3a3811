"""Page components: a gr.HTML made of a folder's files and the shared scripts."""

from pathlib import Path

import gradio as gr

_HERE = Path(__file__).parent
Texts = dict[str, dict[str, str]]  # language -> key -> words, for data-text and word()


def component(folder: Path, scripts: list[str], texts: Texts, elem_id: str, value=None, **props) -> gr.HTML:
    """The component of folder/NAME.html and NAME.css; its root has the classes "component" and NAME.

    scripts: of the folder or shared, such as "lanes.js", in the order in which they are run after component.js.
    props: more for the scripts' `props`.
    """
    name = folder.name
    return gr.HTML(
        value=value,
        html_template=(folder / f"{name}.html").read_text(encoding="utf-8"),
        css_template=_read(folder, ["component.css", f"{name}.css"]),
        # Gradio runs one script without imports; developer tools show it under this name.
        js_on_load=_read(folder, ["component.js", *scripts]) + f"\n//# sourceURL=component-{name}.js",
        apply_default_css=False,
        elem_id=elem_id,
        texts=texts,
        **props,
    )


def _read(folder: Path, names: list[str]) -> str:
    files = ((folder / name if (folder / name).exists() else _HERE / name) for name in names)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
