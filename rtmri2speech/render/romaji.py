"""Hepburn romanisation of kana, for machines without a Japanese font."""

import re
import unicodedata

_HEPBURN = {
    "si": "shi", "ti": "chi", "tu": "tsu", "hu": "fu", "zi": "ji", "di": "ji", "du": "zu", "wi": "i", "we": "e",
    "wo": "o",
}  # fmt: skip
_SIGNS = {"、": ", ", "。": ". ", "・": " ", "「": '"', "」": '"', "（": "(", "）": ")", "〜": "-", "\u3000": " "}


def romaji(text: str) -> str:
    """Romanise kana; other letters beyond the European scripts become "?"."""
    text = "".join(map(_latin, unicodedata.normalize("NFKC", text)))
    text = re.sub("(sh|ch|j)i\0y?", r"\1", text)  # a small letter stands behind a \0: shi\0ya is sha, te\0i is ti
    text = re.sub("[iueo]?\0", "", text)
    text = re.sub("([aiueo])ー", r"\1\1", text).replace("ー", "-")
    return re.sub("っ(?=ch)", "t", re.sub("っ([abd-z])", r"\1\1", text)).replace("っ", "t")


def _latin(letter: str) -> str:
    kind, _, sound = unicodedata.name(letter, "").lower().partition(" letter ")
    if letter in "っッ":
        return "っ"
    if letter == "ー" or letter < "\u2e80" or kind not in ("hiragana", "katakana"):
        return letter if letter == "ー" or letter < "\u2e80" else _SIGNS.get(letter, "?")
    small, sound = sound.startswith("small "), sound.removeprefix("small ")
    return "\0" * small + _HEPBURN.get(sound, sound)
