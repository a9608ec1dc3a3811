"""Names of files as people and their systems write them: beside each other, and where they are shown."""

import os
import re
import unicodedata
from pathlib import Path

# A name whose bytes are no UTF-8 holds each of them as a surrogate (PEP 383), between letters that are ASCII.
_BYTES = re.compile(r"[!-.0-~\udc80-\udcff]*[\udc80-\udcff][!-.0-~\udc80-\udcff]*")


def beside(path: str | os.PathLike, ending: str) -> Path | None:
    """The file of the same name with this ending (".wav", ".truth.npz") in the same folder, or None: also an ending in
    other capitals, or a name whose accents and kana are composed where the other's are not, as a Mac's are not."""
    path = Path(path)
    exact = path.with_name(path.stem + ending) if path.name else path
    if exact.is_file():
        return exact
    wanted = same_name(path.stem), ending.lower()
    try:
        files = sorted(path.parent.iterdir())
    except OSError:
        return None
    for file in files:
        name = same_name(file.name)
        if (name[: -len(ending)], name[-len(ending) :].lower()) == wanted and file.is_file():
            return file
    return None


def same_name(name: str) -> str:
    """The one spelling of a name that can be spelled in several ways in Unicode."""
    return unicodedata.normalize("NFC", name)


def readable(text: str) -> str:
    """A text with names in it that were written on another system: their bytes as Shift-JIS or, where they are none, as
    what stands for unknown letters."""

    def read(found: re.Match) -> str:
        raw = os.fsencode(found[0])
        try:
            return raw.decode("cp932")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    return _BYTES.sub(read, text)
