"""Notes around the explorer on the model and the clip, and on their limits."""

import html
from dataclasses import dataclass

import gradio as gr

from ..evaluation.faithfulness import localisation_sentence, localisation_weight
from .page_context import PageContext
from .session import Result
from .texts import TEXTS


@dataclass(frozen=True)
class Notes:
    """untrained and own_clip stand above the explorer, about below it."""

    untrained: gr.Markdown
    own_clip: gr.Markdown
    about: gr.Markdown

    def of(self, context: PageContext, result: Result, language: str) -> tuple:
        """Updates of the notes for a clip that was just opened."""
        return (
            gr.update(visible=is_untrained(context, result.bundle_name)),
            own_clip_note(context, result, language),
            about(context, result.bundle_name, language),
        )


def about(context: PageContext, bundle_name: str, language: str) -> str:
    """The bundle's description, and the sentence on its localisation loss."""
    bundle = context.bundles.load(bundle_name)
    kind = TEXTS[language][f"kind_{bundle.kind}"]
    stop, space = ("。", "") if language == "ja" else (". ", " ")
    focus = localisation_sentence(localisation_weight(bundle), language, view=bundle.frames.view)
    return f"**{bundle.name}**: {kind}{stop}{bundle.description_in(language)}{space}{focus}"


def is_untrained(context: PageContext, bundle_name: str) -> bool:
    return context.bundles.load(bundle_name).kind == "untrained"


def own_clip_note(context: PageContext, result: Result | None, language: str) -> dict:
    """For a clip that is not an example: that the model was not validated on it. For any: warnings about its file."""
    if result is None:
        return gr.update(visible=False)
    said = [] if result.source.parent == context.examples.folder else [context.text(language, "own_clip")]
    said += [html.escape(context.message(note, language), quote=False) for note in result.analysis.clip.notes]
    return gr.update(value="\n\n".join(said), visible=bool(said))
