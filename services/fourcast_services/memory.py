"""Gives memory back that only the start needed.

Loading onnxruntime and gRPC runs through tens of megabytes of code once, and opening a model leaves
holes on the heap. Neither is needed again, but both stay resident. Code that turns out to be needed
comes back from the page cache, a page at a time.
"""

import ctypes
import gc
import re
from pathlib import Path

_MAPS = Path("/proc/self/smaps")
_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r-[-x]p) \S+ \S+ [1-9]\d* ")
_MADV_DONTNEED = 4
"""Of Linux; on a file's pages that nobody has written to, it only forgets that they were read."""


def give_back() -> None:
    """Give back unused heap and the pages of program code; does nothing where there is no Linux."""
    if not _MAPS.exists():
        return
    gc.collect()
    libc = ctypes.CDLL(None)
    for start, end in _clean_file_mappings(_MAPS.read_text()):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
    trim_heap()


def trim_heap() -> None:
    """Give back what lies unused between the heap's blocks."""
    # glibc's; musl has no such function, and no such holes.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _clean_file_mappings(maps: str) -> list[tuple[int, int]]:
    """Start and end of each private read-only mapping of a file that has no page of its own.

    Relocated data has such pages: what the loader wrote there is in no file.
    """
    mappings = []
    candidate: tuple[int, int] | None = None
    for line in maps.splitlines():
        name = line.split(maxsplit=1)[0]
        if not name.endswith(":"):
            match = _MAPPING.match(line)
            candidate = (int(match[1], 16), int(match[2], 16)) if match else None
        elif name == "Anonymous:" and line.split()[1] == "0" and candidate is not None:
            mappings.append(candidate)
    return mappings
