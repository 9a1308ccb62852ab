"""Container IDs in less than half their bytes: there are two a pod, in the records of two processes."""

from binascii import unhexlify
from typing import Final

from common.records import ContainerId

_DIGITS: Final = 64
_RUNTIMES: Final = ("containerd://", "docker://", "cri-o://")
"""By the number that stands for them."""
_NUMBERS: Final = {scheme: bytes((number,)) for number, scheme in enumerate(_RUNTIMES)}
_VERBATIM: Final = b"\xff"
"""Stands before a text that would look packed. No UTF-8 begins so."""


def pack_container_id(text: str) -> ContainerId:
    """Packs the usual ones, a runtime's name and 64 digits; others go verbatim."""
    number = _NUMBERS.get(text[:-_DIGITS])
    if number is not None:
        digits = text[-_DIGITS:]
        try:
            packed = unhexlify(digits)
        except ValueError:
            packed = b""
        if packed.hex() == digits:  # capitals are digits too
            return ContainerId(number + packed)
    verbatim = text.encode()
    return ContainerId(_VERBATIM + verbatim if verbatim and verbatim[0] < len(_RUNTIMES) else verbatim)


def container_id(packed: ContainerId) -> str:
    """`containerID` verbatim, scheme included; of bytes that are none, some text."""
    if packed and packed[0] < len(_RUNTIMES):
        return _RUNTIMES[packed[0]] + packed[1:].hex()
    return packed.removeprefix(_VERBATIM).decode("utf-8", "replace")
