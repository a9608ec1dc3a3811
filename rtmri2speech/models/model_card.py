"""A bundle's model card, MODEL_CARD.md (MODEL_CARD.ja.md in Japanese), as plain text."""

import re

from .bundle import Bundle

_FILES = {"en": ("MODEL_CARD.md",), "ja": ("MODEL_CARD.ja.md", "MODEL_CARD.md")}
_MOST_BYTES = 200_000


def read_card(bundle: Bundle, language: str = "en") -> tuple[dict[str, list[str]], str]:
    """The sections of a bundle's model card, heading -> paragraphs without markup; and their language, "en" where there
    is no card in the language asked for.

    Tables, commands, pictures and link targets are left out. Empty without a folder or a readable card: nothing may
    depend on documentation.
    """
    places = [bundle.folder / name for name in _FILES[language]] if bundle.folder else []
    path = next((path for path in places if path.is_file()), None)
    if path is None:
        return {}, "en"
    with path.open("rb") as file:
        text = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    sections: dict[str, list[str]] = {}
    paragraphs = None
    for block in re.split(r"\n\s*\n", _without_code(text)):
        block = block.strip()
        heading = re.match(r"(#+)\s+(.*)", block)
        if heading:
            block = block[heading.end() :].strip()
            if len(heading[1]) == 2:
                paragraphs = sections.setdefault(_plain(heading[2]), [])
        if paragraphs is None or not block:
            continue
        if not block.startswith("|"):
            paragraphs.append(_plain(block))
        elif paragraphs and paragraphs[-1].endswith(":"):
            paragraphs.pop()  # the sentence that introduces the table
    return sections, "ja" if path.name.endswith(".ja.md") else "en"


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text.replace("\r\n", "\n"), flags=re.DOTALL | re.MULTILINE)


def _plain(markdown: str) -> str:
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", markdown)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]*>", "", text)
    text = re.sub(r"[*`]+", "", text)
    return " ".join(text.split())
