"""A recording of updates as lines: those of `podwire tap updates`, and for what cannot be read. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from common.clock import written
from common.logs import word
from common.messages import Incarnation, Updates
from common.recording import Entry, Lost
from common.records import Kind
from podwire.tap.updates import Follower, Line, Wanted
from podwire.updates.recorded import Unread, published

UNREADABLE: Final = "unreadable"
"""The event of a line that tells what cannot be read."""


def lines(recorded: Iterable[Entry | Lost]) -> Iterator[Line]:
    """All lines of a recording, in its order."""
    followers: dict[Kind, Follower] = {}
    lives: dict[Kind, Incarnation] = {}
    for one in published(recorded):
        if isinstance(one, Unread):
            yield {"time_ns": one.wall_ns, "event": UNREADABLE, "bytes": one.size, "why": one.why}
            continue
        message, kind = one.message, one.message.kind
        follower = followers.setdefault(kind, Follower(kind, Wanted()))
        told = list(follower.lines(message))
        missed = message.sequence - isinstance(message, Updates)
        if lives.get(kind) != message.incarnation and missed:  # a recorded life begins with its first
            told.insert(kind in lives, {"kind": kind, "event": "gap", "missed": missed})
        lives[kind] = message.incarnation
        for line in told:
            yield {"time_ns": one.wall_ns} | line


def is_whole(line: Line) -> bool:
    """Whether it tells what was recorded, and not what is missing or cannot be read."""
    return line["event"] not in (UNREADABLE, "gap") and "malformed_bytes" not in line


def text(line: Line) -> str:
    """The line for people."""
    rest = {key: value for key, value in line.items() if key not in ("time_ns", "kind", "sequence", "event", "record")}
    rest |= line.get("record", {})
    number = f"#{line['sequence']}" if "sequence" in line else ""
    at_ns = line["time_ns"]
    words = ("" if at_ns is None else written(at_ns), line.get("kind", ""), number, line["event"])
    return " ".join((*filter(None, words), *(f"{key}={_shown(value)}" for key, value in rest.items())))


def _shown(value: Any) -> str:  # noqa: ANN401 (whatever stands in a record)
    return msgspec.json.encode(value).decode() if isinstance(value, list | dict) else word(value)
