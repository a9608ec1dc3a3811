"""What is said around the explorer of the model and the clip: how far to believe what is shown."""

import html
from dataclasses import dataclass

import gradio as gr

from ..evaluation.faithfulness import localisation_sentence, localisation_weight
from .page_context import PageContext
from .session import Result
from .texts import TEXTS


@dataclass(frozen=True)
class Notes:
    """untrained and own_clip stand above the explorer, caution and about below it."""

    untrained: gr.Markdown
    own_clip: gr.Markdown
    about: gr.Markdown

    def of(self, context: PageContext, result: Result, language: str) -> tuple:
        """Updates of the three for a clip that was just opened."""
        return (
            gr.update(visible=is_untrained(context, result.bundle_name)),
            own_clip_note(context, result, language),
            about(context, result.bundle_name, language),
        )


def about(context: PageContext, bundle_name: str, language: str) -> str:
    """What the bundle is, in the words of who made it, and what its training did to its maps."""
    bundle = context.bundles.load(bundle_name)
    kind = TEXTS[language][f"kind_{bundle.kind}"]
    stop, space = ("。", "") if language == "ja" else (". ", " ")
    focus = localisation_sentence(localisation_weight(bundle), language)
    return f"**{bundle.name}**: {kind}{stop}{bundle.description_in(language)}{space}{focus}"


def is_untrained(context: PageContext, bundle_name: str) -> bool:
    return context.bundles.load(bundle_name).kind == "untrained"


def own_clip_note(context: PageContext, result: Result | None, language: str) -> dict:
    """Of a clip that is no example: that the model was not checked on it (`about` says what the model is). Of any: what
    was amiss with its file."""
    if result is None:
        return gr.update(visible=False)
    said = [] if result.source.parent == context.examples.folder else [context.text(language, "own_clip")]
    said += [html.escape(context.message(note, language), quote=False) for note in result.analysis.clip.notes]
    return gr.update(value="\n\n".join(said), visible=bool(said))
