"""Numeric arrays in a .mat file of version 5 to 7 (MathWorks, MAT-File Format, 2019): a list of typed elements with
lengths; a variable is an element that holds others. SciPy's reader crashes the process on some damaged files.
"""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MEANT = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_COMPLEX = 0x08
_HEAD = 2**12  # bytes that hold everything before a variable's numbers


@dataclass(frozen=True)
class Variable:
    """A numeric array; `read` returns it in MATLAB's order of axes. kind: its type; complex numbers are pairs."""

    name: str
    shape: tuple[int, ...]
    kind: np.dtype
    read: Callable[[], np.ndarray]


def variables(path: Path) -> list[Variable]:
    """The numeric arrays in the file; none for version 4, whose arrays have two axes. Raises ValueError, zlib.error or
    struct.error for a damaged file or another format."""
    found = []
    with path.open("rb") as file:
        head = file.read(128)
        if 0 in head[:4]:
            return []
        order = {b"IM": "<", b"MI": ">"}[head[126:128]] if head[126:128] in (b"IM", b"MI") else None
        if order is None:
            raise ValueError("no MATLAB file")
        size, at = path.stat().st_size, 128
        while at + 8 <= size:
            file.seek(at)
            kind, length = struct.unpack(f"{order}II", file.read(8))
            if at + 8 + length > size:
                raise ValueError("cut off")
            head = file.read(min(length, _HEAD))
            if kind == _COMPRESSED:
                head = zlib.decompressobj().decompress(head, _HEAD)
                kind, head = struct.unpack(f"{order}I", head[:4])[0], head[8:]
            if kind == _MATRIX and (variable := _variable(path, at, head, order)) is not None:
                found.append(variable)
            at += 8 + length
    return found


def _variable(path: Path, at: int, head: bytes, order: str) -> Variable | None:
    """A variable from its head; None for text, cells and structures."""
    _, flags, after = _element(head, 0, order)
    meant, is_complex = flags[0 if order == "<" else 3], flags[1 if order == "<" else 2] & _COMPLEX
    if meant not in _MEANT:
        return None
    _, sides, after = _element(head, after, order)
    _, name, after = _element(head, after, order)
    shape = tuple(int(side) for side in np.frombuffer(sides, f"{order}i4"))
    if not shape or min(shape) < 0:
        raise ValueError("no shape")
    kind = np.dtype(_MEANT[meant])

    def read() -> np.ndarray:
        with path.open("rb") as file:
            file.seek(at)
            outer, length = struct.unpack(f"{order}II", file.read(8))
            data = file.read(length)
        count = int(np.prod(shape, dtype=np.float64))
        if outer == _COMPRESSED:
            data = zlib.decompressobj().decompress(data, _HEAD + 2 * count * max(kind.itemsize, 8))[8:]
        real, place = _numbers(data, after, count, order)
        array = real.astype(kind)
        if is_complex:
            array = array + 1j * _numbers(data, place, count, order)[0].astype(kind)
        return array.reshape(shape, order="F")

    return Variable(name.decode("ascii", "replace"), shape, kind, read)


def _numbers(data: bytes, at: int, count: int, order: str) -> tuple[np.ndarray, int]:
    stored, values, after = _element(data, at, order)
    if stored not in _STORED:
        raise ValueError("no numbers")
    array = np.frombuffer(values, f"{order}{_STORED[stored]}")
    if len(array) != count:
        raise ValueError("another count than the shape's")
    return array, after


def _element(data: bytes, at: int, order: str) -> tuple[int, bytes, int]:
    """Kind and content of the element at this offset, and the offset of the next."""
    first, length = struct.unpack_from(f"{order}II", data, at)
    if first >> 16:  # small element: up to four bytes in the tag itself
        kind, length, begins = first & 0xFFFF, first >> 16, at + 4
        after = at + 8
    else:
        kind, begins = first, at + 8
        after = begins + (length + 7) // 8 * 8
    if begins + length > len(data) or (first >> 16 and length > 4):
        raise ValueError("cut off")
    return kind, data[begins : begins + length], after
