"""Memory that a training step frees and the next one wants again.

By default glibc hands large blocks back to the kernel as soon as they are freed, and every step pays for getting
them anew, page by page.

>>> with freed_memory_kept():
...     for batch in batches: ...
"""

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager

# <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_DEFAULT_TRIM_THRESHOLD, _DEFAULT_MMAP_MAX = 128 * 1024, 65536


def huge_pages() -> None:
    """Ask torch for huge pages in large tensors; it reads this once, when it makes its first one."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


@contextmanager
def freed_memory_kept() -> Generator[None]:
    """Keep freed memory for the next allocation, and give it back to the system at the end. Nothing but glibc
    has these settings; elsewhere this does nothing."""
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_MAX, _DEFAULT_MMAP_MAX)
        libc.mallopt(_M_TRIM_THRESHOLD, _DEFAULT_TRIM_THRESHOLD)
        libc.malloc_trim(0)
