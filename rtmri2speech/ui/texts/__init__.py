"""Everything a person reads on the page, in English and Japanese. TEXTS: language -> key -> words."""

from . import asking, compare, explorer, export, hide, labels, listen, page, quality, regions, trust, voice
from .errors import in_language

EXPLORER = {language: explorer.TEXTS[language] | asking.TEXTS[language] for language in ("en", "ja")}
PARTS = (page, export, trust, regions, labels, hide, compare, quality, voice, listen)
TEXTS = {
    language: {key: words for part in PARTS for key, words in part.TEXTS[language].items()} for language in ("en", "ja")
}

__all__ = ["EXPLORER", "PARTS", "TEXTS", "in_language"]
