"""What the reference reducer has seen, bounded: breaches, notes, and when which pod arrived."""

from collections import deque
from typing import Final, Literal

import msgspec

KEPT_FINDINGS: Final = 1_000
"""Breaches, and notes, that are kept in words; all are counted."""

Kind = Literal["new", "delete", "container", "resync", "connected", "closed"]

Arrival = tuple[int, str, Kind, int]
"""Wall-clock time of the decoding (ns since the Unix epoch), the pod's UID (empty where no pod is meant), what came, the connection."""


class Finding(msgspec.Struct, frozen=True):
    """A breach of what podwire promises, or something notable that is none."""

    wall_ns: int
    connection: int
    message: int
    """The message's number in its connection, from 1; 0 where no message is meant."""
    rule: str
    what: str


class Findings:
    """The first `KEPT_FINDINGS` of a kind: what goes wrong first explains the rest."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """Counts one, and keeps it while there is room."""
        self.count += 1
        if len(self.first) < KEPT_FINDINGS:
            self.first.append(finding)


class Journal:
    """Breaches and notes, and a ring of arrivals."""

    def __init__(self, *, kept_arrivals: int) -> None:
        self.breaches = Findings()
        self.notes = Findings()
        self.arrivals: deque[Arrival] = deque(maxlen=kept_arrivals)

    def forget_findings(self) -> None:
        """Begins anew with breaches and notes."""
        self.breaches = Findings()
        self.notes = Findings()
