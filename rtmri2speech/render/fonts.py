"""Fonts: DejaVu Sans, which comes with matplotlib, or an installed Japanese font."""

import os
import subprocess
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from .romaji import romaji

# In order of preference; Windows, macOS, then Linux.
_JAPANESE = (
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoPGothic",
)
_FIRST_BEYOND_DEJAVU = "\u2e80"  # where the CJK blocks begin


def font_file(text: str) -> Path:
    """The file of a font with the glyphs of `drawable(text)`."""
    japanese = _japanese_font() if _beyond(text) else None
    return japanese or _dejavu()


def drawable(text: str) -> str:
    """The text in available glyphs: without a Japanese font, Japanese is romanised; missing glyphs never become
    boxes."""
    if text.isascii():
        return text
    if font_file(text) == _dejavu() and _beyond(text):
        text = romaji(text)
    known = _letters_of(font_file(text))
    return "".join(letter if ord(letter) in known or letter.isspace() else "?" for letter in text)


def writes_japanese() -> bool:
    """Whether a Japanese font is installed."""
    return _japanese_font() is not None


def lacking(language: str, *drawn: str) -> bool:
    """Whether figures in this language, or with these texts, need a font that is not installed."""
    return (language == "ja" or any(map(_beyond, drawn))) and not writes_japanese()


def _beyond(text: str) -> bool:
    return any(character >= _FIRST_BEYOND_DEJAVU for character in text)


@lru_cache
def _japanese_font() -> Path | None:
    """One of _JAPANESE, else fontconfig's choice for Japanese, else any font with its glyphs."""
    from matplotlib.font_manager import fontManager  # slow to import

    if not any(font.name in _JAPANESE for font in fontManager.ttflist):
        _look_again(fontManager)
    weights = {font: font.weight for font in fontManager.ttflist if font.style == "normal"}
    upright = {font: weight for font, weight in weights.items() if isinstance(weight, int)}
    # The weight nearest to regular (400) comes last and wins.
    installed = {font.name: font.fname for font in sorted(upright, key=lambda font: -abs(upright[font] - 400))}
    named = [installed[name] for name in _JAPANESE if name in installed]
    for file in map(Path, (*named, *_of_fontconfig(), *reversed(installed.values()))):
        if file.is_file() and {ord(letter) for letter in "あア漢"} <= _letters_of(file):
            return file
    return None


def _of_fontconfig() -> list[str]:
    try:
        told = subprocess.run(["fc-match", "-f", "%{file}", ":lang=ja"], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [os.fsdecode(told.stdout)] if told.stdout else []


@lru_cache(maxsize=512)
def _letters_of(file: Path) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(str(file)).get_charmap())
    except (OSError, RuntimeError, ValueError):  # a file that is no font that it reads
        return frozenset()


def _dejavu() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _look_again(manager) -> None:
    """Refresh matplotlib's cached font list, as a font may have been installed since."""
    from matplotlib.font_manager import findSystemFonts

    known = {font.fname for font in manager.ttflist}
    for path in set(findSystemFonts()) - known:
        with suppress(OSError, RuntimeError, ValueError):  # a file that is no font that it reads
            manager.addfont(path)
