"""The core's messages in Japanese: errors.ja.json, by subject: template -> template with the same fields.

The core speaks English; an InputError knows its template and values. tests/ui/test_texts.py reads every template out
of the source and fails where one that the page may show has no Japanese here, or one here is no longer used.
"""

import json
from pathlib import Path

from ...errors import InputError

_CATALOGUE = json.loads(Path(__file__).with_name("errors.ja.json").read_text(encoding="utf-8"))
JAPANESE: dict[str, str] = {english: words for group in _CATALOGUE.values() for english, words in group.items()}


def in_language(error: InputError, language: str) -> str:
    """The message in "ja" where its template is known; else as it is."""
    japanese = JAPANESE.get(error.template)
    if language != "ja" or japanese is None:
        return str(error)
    return japanese.format(**{name: _told(value) for name, value in error.values.items()})


def _told(value: object) -> object:
    return in_language(value, "ja") if isinstance(value, InputError) else value
