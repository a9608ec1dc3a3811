"""File names: sidecar files of the same name, and names for display."""

import os
import re
import unicodedata
from pathlib import Path

# A name that is not valid UTF-8 holds its bytes as surrogates (PEP 383) among ASCII letters.
_BYTES = re.compile(r"[!-.0-~\udc80-\udcff]*[\udc80-\udcff][!-.0-~\udc80-\udcff]*")


def beside(path: str | os.PathLike, ending: str) -> Path | None:
    """The file of the same name with this ending (".wav", ".truth.npz") in the same folder, or None. Case of the ending
    and Unicode normalisation of the name, which macOS decomposes, are ignored."""
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
    """A name in canonical Unicode normalisation."""
    return unicodedata.normalize("NFC", name)


def readable(text: str) -> str:
    """A text in which names with undecodable bytes are decoded as Shift-JIS or, failing that, with replacement
    characters."""

    def read(found: re.Match) -> str:
        raw = os.fsencode(found[0])
        try:
            return raw.decode("cp932")
        except UnicodeDecodeError:
            return raw.decode("utf-8", "replace")

    return _BYTES.sub(read, text)
