"""What a connection says on its own: vitals once a second, once the matcher has reported, and heartbeats while no pods go out.

Vitals are `collector_health` and `agent_resource_usage`; the original sends both, the latter once a second, and one rhythm serves both.
Only pod messages hold heartbeats back: a reducer need not take vitals for a sign of life, and a heartbeat costs 10 bytes.
"""

from enum import Enum

import msgspec

from common.clock import LATE_SECONDS, last_beat, next_beat

HEARTBEAT_SECONDS = 2.0
"""The original's interval (protocol.md), and the longest here: a heartbeat goes out at the last beat within it."""


class Due(Enum):
    """What is to be sent now."""

    VITALS = "vitals"
    HEARTBEAT = "heartbeat"


class Pulse(msgspec.Struct, frozen=True):
    """The moments from which each is due."""

    vitals_at: float
    """The beat at which they are due, if the matcher has reported since; if not, a little later."""
    heartbeat_at: float

    def due_at(self, reported_at: float) -> float:
        """The moment from which something is due, if the matcher's newest report came at `reported_at`."""
        return min(_vitals_due_at(self, reported_at), self.heartbeat_at)


def started(now: float) -> Pulse:
    """Of a connection that stands since now: the first vitals are due at once, whoever has reported."""
    return Pulse(vitals_at=float("-inf"), heartbeat_at=_heartbeat_after(now))


def pods_sent(pulse: Pulse, now: float) -> Pulse:
    """Pod messages are on their way: no heartbeat is needed for a while."""
    return msgspec.structs.replace(pulse, heartbeat_at=_heartbeat_after(now))


def beat(pulse: Pulse, now: float, *, reported_at: float) -> tuple[Pulse, list[Due]]:
    """What is due, and the pulse after it has been sent."""
    due = []
    if now >= _vitals_due_at(pulse, reported_at):
        pulse = msgspec.structs.replace(pulse, vitals_at=next_beat(now))
        due.append(Due.VITALS)
    if now >= pulse.heartbeat_at:
        pulse = msgspec.structs.replace(pulse, heartbeat_at=_heartbeat_after(now))
        due.append(Due.HEARTBEAT)
    return pulse, due


def _vitals_due_at(pulse: Pulse, reported_at: float) -> float:
    return pulse.vitals_at + (0.0 if reported_at >= pulse.vitals_at else 2 * LATE_SECONDS)


def _heartbeat_after(now: float) -> float:
    return last_beat(now + HEARTBEAT_SECONDS)
