"""Container IDs in less than half their bytes: there are two a pod, in the records of two processes."""

from binascii import unhexlify
from typing import Final

from common.records import ContainerId

_DIGITS: Final = 64
_RUNTIMES: Final = ("containerd://", "docker://", "cri-o://")
"""By the number that stands for them."""
_USUAL: Final = {len(scheme) + _DIGITS: (scheme, bytes((number,))) for number, scheme in enumerate(_RUNTIMES)}
"""Those of which an ID of so many characters can be."""
_VERBATIM: Final = b"\xff"
"""Stands before a text that would look packed. No UTF-8 begins so."""


def pack_container_id(text: str) -> ContainerId:
    """Packs the usual ones, a runtime's name and 64 digits; others go verbatim."""
    usual = _USUAL.get(len(text))
    if usual is not None and text.startswith(usual[0]):
        digits = text[-_DIGITS:]
        try:
            packed = unhexlify(digits)
        except ValueError:
            packed = b""
        if packed.hex() == digits:  # capitals are digits too
            return ContainerId(usual[1] + packed)
    verbatim = text.encode()
    return ContainerId(_VERBATIM + verbatim if verbatim and verbatim[0] < len(_RUNTIMES) else verbatim)


def container_id(packed: ContainerId) -> str:
    """`containerID` verbatim, scheme included; of bytes that are none, some text."""
    if packed and packed[0] < len(_RUNTIMES):
        return _RUNTIMES[packed[0]] + packed[1:].hex()
    return packed.removeprefix(_VERBATIM).decode("utf-8", "replace")
