"""Everything a person reads on the page, in English and Japanese. TEXTS: language -> key -> words."""

from . import (
    ab_player,
    compare,
    custom_targets,
    explorer,
    export,
    faithfulness,
    labels,
    occlusion,
    page,
    quality,
    regions,
    voice,
)
from .errors import in_language

EXPLORER = {language: explorer.TEXTS[language] | custom_targets.TEXTS[language] for language in ("en", "ja")}
PARTS = (page, export, faithfulness, regions, labels, occlusion, compare, quality, voice, ab_player)
TEXTS = {
    language: {key: words for part in PARTS for key, words in part.TEXTS[language].items()} for language in ("en", "ja")
}

__all__ = ["EXPLORER", "PARTS", "TEXTS", "in_language"]
