"""Opens a recording for reading."""

import mmap
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from common.errors import UsageError


@contextmanager
def recorded(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The bytes of a recording; `-` is standard input, read to its end. Raises UsageError."""
    if path == Path("-"):
        yield sys.stdin.buffer.read()
        return
    with _mapped(path) as data:
        yield data


def _mapped(path: Path) -> AbstractContextManager[bytes | mmap.mmap]:
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                return nullcontext(b"")  # nothing can be mapped
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
