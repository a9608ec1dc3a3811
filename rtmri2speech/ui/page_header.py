"""The head of the page: introduction, language, large text, dark colours."""

from dataclasses import dataclass

import gradio as gr

from .page_context import PageContext
from .texts import TEXTS

# Kept in this tab over a reload.
_TOGGLE = """() => {{
    const on = document.body.classList.toggle("{name}");
    try {{ sessionStorage.setItem("rtmri2speech-{name}", on ? "1" : "0"); }} catch {{ }}
}}"""
_RECALL = """() => {
    for (const name of ["large", "dark"]) {
        let kept = null;
        try { kept = sessionStorage.getItem(`rtmri2speech-${name}`); } catch { }
        if (kept !== null) document.body.classList.toggle(name, kept === "1");
    }
}"""


@dataclass(frozen=True)
class Head:
    intro: gr.Markdown
    language: gr.Radio
    large: gr.Button
    dark: gr.Button

    def connect(self, context: PageContext) -> None:
        for component, key in ((self.intro, "intro"), (self.large, "large"), (self.dark, "dark")):
            context.localise(component, "value", key)
        self.large.click(None, js=_TOGGLE.format(name="large"), **context.private)
        self.dark.click(None, js=_TOGGLE.format(name="dark"), **context.private)
        context.page.load(None, js=_RECALL, **context.private)


def lay_out() -> Head:
    words = TEXTS["en"]
    with gr.Row(elem_id="head"):
        gr.Markdown("# rtmri2speech", container=False)
        return Head(
            intro=gr.Markdown(words["intro"], container=False),
            language=gr.Radio(
                [("English", "en"), ("日本語", "ja")], value="en", show_label=False, container=False, elem_id="language"
            ),
            large=gr.Button(words["large"], size="sm"),
            dark=gr.Button(words["dark"], size="sm"),
        )
