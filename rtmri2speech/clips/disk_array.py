"""Growing: an array to which rows are added, such as the frames of a clip while it is read. A large one lies in a file
without a name, which is gone with it: only the rows that are looked at take memory."""

import ctypes
import mmap
import sys
import tempfile
from typing import IO, Any

import numpy as np

LARGEST_IN_MEMORY = 2**25  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


class DiskArray:
    """Rows of one shape and type, first in memory and, past some megabytes, in a file.

    A full disk raises OSError where rows are added, never where they are read.
    """

    def __init__(self, most_in_memory: int | None = None) -> None:
        self._most_in_memory = LARGEST_IN_MEMORY if most_in_memory is None else most_in_memory  # bytes
        self._rows: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: np.ndarray) -> None:
        """rows: (n, ...), as those before."""
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
        """All rows so far, (count, ...): an array, or one that is mapped from the file and not to be written to."""
        first = self._rows[0]
        if self._file is None:
            self._rows = [first if len(self._rows) == 1 else np.concatenate(self._rows)]
            return self._rows[0]
        self._file.flush()
        return np.memmap(self._file, first.dtype, "r", shape=(self._count, *first.shape[1:]))


def release_pages(array: np.ndarray) -> None:
    """What was read of a mapped array need not stay in memory; any other array is left alone."""
    held: Any = array
    while held is not None and not isinstance(held, mmap.mmap):
        held = held.obj if isinstance(held, memoryview) else getattr(held, "base", None)
    if held is not None and hasattr(held, "madvise"):  # not on Windows, which sees to it by itself
        held.madvise(mmap.MADV_DONTNEED)


def release_heap() -> None:
    """Memory that was freed goes back to the system at once: Linux' allocator would keep it for what comes next."""
    library = _allocator()
    if library is not None:
        library.malloc_trim(0)


def keep_little() -> None:
    """From now on large blocks go back as soon as they are freed, and threads share two heaps."""
    library = _allocator()
    if library is not None:
        for setting, value in ((_M_MMAP_THRESHOLD, 2**22), (_M_TRIM_THRESHOLD, 2**23), (_M_ARENA_MAX, 2)):
            library.mallopt(setting, value)


def _allocator() -> ctypes.CDLL | None:
    """GNU's C library; None elsewhere."""
    if sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except OSError:
        return None
