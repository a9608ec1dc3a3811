"""DiskArray: a growing array, such as a clip's frames while it is read. Above 32 MiB the rows spill to an anonymous
temporary file and are memory-mapped, so only pages in use occupy memory."""

import ctypes
import mmap
import sys
import tempfile
from typing import IO, Any

import numpy as np

LARGEST_IN_MEMORY = 2**25  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


class DiskArray:
    """Rows of one shape and type, in memory up to `most_in_memory` bytes, then in a file.

    A full disk raises OSError on `add`, never on reading.
    """

    def __init__(self, most_in_memory: int | None = None) -> None:
        self._most_in_memory = LARGEST_IN_MEMORY if most_in_memory is None else most_in_memory  # bytes
        self._rows: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: np.ndarray) -> None:
        """Append rows (n, ...) of the same shape and type."""
        self._count += len(rows)
        if self._file is not None:
            self._file.write(np.ascontiguousarray(rows).data)
            return
        self._rows.append(rows)
        if self._count * rows[:1].nbytes > self._most_in_memory:
            self._file = tempfile.TemporaryFile(prefix="rtmri2speech-")  # noqa: SIM115 (it is closed with the array)
            for held in self._rows:
                self._file.write(np.ascontiguousarray(held).data)
            self._rows = self._rows[:1]

    def whole(self) -> np.ndarray:
        """All rows so far, (count, ...): an array in memory, or a read-only memory map."""
        first = self._rows[0]
        if self._file is None:
            self._rows = [first if len(self._rows) == 1 else np.concatenate(self._rows)]
            return self._rows[0]
        self._file.flush()
        return np.memmap(self._file, first.dtype, "r", shape=(self._count, *first.shape[1:]))


def release_pages(array: np.ndarray) -> None:
    """Drop a memory-mapped array's pages from memory; nothing for other arrays."""
    held: Any = array
    while held is not None and not isinstance(held, mmap.mmap):
        held = held.obj if isinstance(held, memoryview) else getattr(held, "base", None)
    if held is not None and hasattr(held, "madvise"):  # not on Windows, which trims pages itself
        held.madvise(mmap.MADV_DONTNEED)


def release_heap() -> None:
    """Return freed memory to the system, which glibc's allocator would otherwise keep."""
    library = _allocator()
    if library is not None:
        library.malloc_trim(0)


def keep_little() -> None:
    """Configure glibc's allocator: large blocks are returned when freed, and threads share two heaps."""
    library = _allocator()
    if library is not None:
        for setting, value in ((_M_MMAP_THRESHOLD, 2**22), (_M_TRIM_THRESHOLD, 2**23), (_M_ARENA_MAX, 2)):
            library.mallopt(setting, value)


def _allocator() -> ctypes.CDLL | None:
    """glibc; None elsewhere."""
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except OSError:
        return None
