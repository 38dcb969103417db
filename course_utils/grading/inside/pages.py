"""Large pages for a process that is about to be forked often.

A fork copies the page tables of all the memory that its parent holds. With pages of 2 MiB there is
little to copy, and a child that writes gets a small page as ever. Linux 6.1 and newer make large
pages on request (madvise(2), MADV_COLLAPSE); elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator

LARGE = 2**21
COLLAPSE = 25
ANONYMOUS = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0\s*(?:\[heap\])?$")


def enlarge() -> None:
    """Make large pages of this process's own memory, as far as the kernel has them to give."""
    try:
        with open("/proc/self/maps") as file:
            lines = file.read().splitlines()
    except OSError:
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start in _starts(lines):
        advise(start, LARGE, COLLAPSE)


def _starts(lines: Iterable[str]) -> Iterator[int]:
    """Addresses of the large pages that lie in memory which is no file's, all private."""
    for line in lines:
        if match := ANONYMOUS.match(line):
            begin, end = (int(number, 16) for number in match.groups())
            yield from range(-(-begin // LARGE) * LARGE, end - LARGE + 1, LARGE)
