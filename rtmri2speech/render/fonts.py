"""Which font can write a text: DejaVu Sans, which matplotlib brings, or an installed Japanese font."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

# In the order of preference; Windows, macOS, then Linux.
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
    """The file of a font that can write `text`. Where no Japanese font is installed, DejaVu Sans, which draws boxes."""
    return _font_file(any(character >= _FIRST_BEYOND_DEJAVU for character in text))


@lru_cache
def _font_file(japanese: bool) -> Path:
    import matplotlib

    if japanese:
        from matplotlib.font_manager import fontManager  # slow to import, so only when it is needed

        if not any(font.name in _JAPANESE for font in fontManager.ttflist):
            _look_again(fontManager)
        weights = {font: font.weight for font in fontManager.ttflist if font.style == "normal"}
        upright = {font: weight for font, weight in weights.items() if isinstance(weight, int)}
        # The weight nearest to regular (400) comes last and stays.
        installed = {font.name: font.fname for font in sorted(upright, key=lambda font: -abs(upright[font] - 400))}
        for name in _JAPANESE:
            if name in installed and Path(installed[name]).is_file():
                return Path(installed[name])
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def _look_again(manager) -> None:
    """matplotlib remembers which fonts were there when it first looked: one may have been installed since."""
    from matplotlib.font_manager import findSystemFonts

    known = {font.fname for font in manager.ttflist}
    for path in set(findSystemFonts()) - known:
        with suppress(OSError, RuntimeError, ValueError):  # a file that is no font that it reads
            manager.addfont(path)
