"""The upstream connection's life: when to dial, which number a connection has, how long to wait after a failure.

A connection that is lost soon after it stood is a failure like a refused one: only one that lasted `LASTING_SECONDS` lets the waits
begin anew. So a reducer that accepts and closes at once costs no more attempts than one that refuses.
"""

import random
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import assert_never

from common.backoff import Backoff

LASTING_SECONDS = 10.0

PATIENCE = Backoff(first_seconds=1.0, most_seconds=30.0, quiet_seconds=float("inf"))
"""Waits of 0.5 to 1 s, 1 to 2 s, and so on up to 15 to 30 s, so at most three attempts in two seconds. It never starts anew by
itself: dialing slow addresses may take longer than any quiet time. `step` starts it anew after a lasting connection."""


class Trouble(StrEnum):
    """Why an attempt to connect failed, or a connection was lost. The value is the word of metrics."""

    NAME = auto()
    """It could not be looked up."""
    REFUSED = auto()
    UNREACHABLE = auto()
    TIMEOUT = auto()
    RESET = auto()
    CLOSED = auto()
    """By the reducer, in order."""
    OTHER = auto()


@dataclass(frozen=True, kw_only=True)
class Down:
    """No connection until it is dialed again at `until`."""

    until: float
    connections: int
    """How many have stood so far."""
    backoff: Backoff


@dataclass(frozen=True, kw_only=True)
class Dialing:
    """An attempt is under way."""

    connections: int
    backoff: Backoff


@dataclass(frozen=True, kw_only=True)
class Up:
    """The connection with the number `connections` stands."""

    since: float
    connections: int
    backoff: Backoff


State = Down | Dialing | Up


@dataclass(frozen=True)
class Elapsed:
    """Time has passed."""


@dataclass(frozen=True)
class Dialed:
    """The attempt has succeeded."""


@dataclass(frozen=True)
class Failed:
    """The attempt has failed, or the connection is lost."""


Event = Elapsed | Dialed | Failed


def first(now: float) -> State:
    """Dials at once."""
    return Down(until=now, connections=0, backoff=PATIENCE)


def step(state: State, event: Event, now: float, *, random_: random.Random) -> State:
    """The state after an event. Whoever sees `Dialing` begin has to dial. An event that the state does not know changes nothing."""
    match state, event:
        case Down(), Elapsed() if now >= state.until:
            return Dialing(connections=state.connections, backoff=state.backoff)
        case Dialing(), Dialed():
            return Up(since=now, connections=state.connections + 1, backoff=state.backoff)
        case Dialing(), Failed():
            return _down(state.connections, state.backoff, now, random_=random_)
        case Up(), Failed():
            lasted = now - state.since >= LASTING_SECONDS
            return _down(state.connections, PATIENCE if lasted else state.backoff, now, random_=random_)
        case ((Down() | Dialing() | Up()), (Elapsed() | Dialed() | Failed())):
            return state
        case _:
            assert_never((state, event))


def _down(connections: int, backoff: Backoff, now: float, *, random_: random.Random) -> Down:
    backoff, wait = backoff.after_failure(now, random_=random_)
    return Down(until=now + wait, connections=connections, backoff=backoff)
