"""CURVE keys in files: what a stage needs to be known by the others, and to know them, and nothing more.

A stage's directory, which is also what its Secret holds, has `<stage>.key` with its own secret key, and `<other>.pub` with the public
key of each stage that it talks to. A file is one line of 40 characters (Z85, the form of zmq_curve_keypair(3)). Keys are read
once, at the start. A secret is in no message, log line or representation.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from common.errors import UsageError
from common.private import refuse_what_others_can_read
from common.records import KINDS

OPTION = "--keys"

PARTNERS = {
    **{f"watcher-{kind}": ("matcher",) for kind in KINDS},
    "matcher": (*(f"watcher-{kind}" for kind in KINDS), "relay"),
    "relay": ("matcher",),
}
"""With whom each stage talks."""

_KEY_CHARACTERS = 40


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A stage's own keys, in Z85."""

    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What one stage's directory holds: its own keys, and the public ones (Z85) of others by their stage."""

    own: KeyPair
    others: dict[str, bytes]


def new_pair() -> KeyPair:
    """Keys that nobody had before."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public=public, secret=secret)


def read_keys(directory: Path, stage: str, *, others: Iterable[str]) -> Keys:
    """The keys of a stage and of those others. Raises UsageError that names the file which is missing, open to all, or no key."""
    path = directory / f"{stage}.key"
    refuse_what_others_can_read(path, option=OPTION)
    secret = _read(path)
    own = KeyPair(public=zmq.curve_public(secret), secret=secret)
    return Keys(own=own, others={other: _read(directory / f"{other}.pub") for other in others})


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"{OPTION}: cannot read {path}: {error.strerror}; podwire keys makes such files") from error
    try:
        fits = len(key) == _KEY_CHARACTERS and len(z85.decode(key)) == 32
    except (KeyError, struct.error):
        fits = False
    if not fits:
        raise UsageError(f"{OPTION}: {path} holds no key of 40 characters (Z85); podwire keys makes such files")
    return key
