"""The upstream connection's life: when to dial, which number a connection has, how long to wait after a failure.

Failed attempts and lost connections are waited for apart. An attempt costs next to nothing, and a reducer is blind until it is found
again after its return, so attempts stay close. A connection costs a handshake and everything that is alive: one that is lost soon after
it stood makes the next one wait longer. Only one that lasted `LASTING_SECONDS` lets both waits begin anew, so a reducer that refuses,
accepts and closes in turn gets no more attempts than one that does the same each time.
"""

import random
from enum import StrEnum, auto
from typing import assert_never

import msgspec

from common.backoff import Backoff

LASTING_SECONDS = 10.0

UNREACHED = Backoff(first_seconds=1.0, most_seconds=3.0, quiet_seconds=float("inf"))
"""After a failed attempt: waits of 0.5 to 1 s, 1 to 2 s, then 1.5 to 3 s, so at most three attempts in two seconds. It never starts anew by
itself: dialing slow addresses may take longer than any quiet time."""

CUT_OFF = Backoff(first_seconds=1.0, most_seconds=30.0, quiet_seconds=float("inf"))
"""After a connection that did not last: waits of 0.5 to 1 s up to 15 to 30 s."""


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
    TLS = auto()
    """No agreement with the reducer, or a certificate that one side does not take."""
    OTHER = auto()


class Down(msgspec.Struct, frozen=True, kw_only=True):
    """No connection until it is dialed again at `until`."""

    until: float
    connections: int
    """How many have stood so far."""
    unreached: Backoff
    cut_off: Backoff


class Dialing(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt is under way."""

    connections: int
    unreached: Backoff
    cut_off: Backoff


class Up(msgspec.Struct, frozen=True, kw_only=True):
    """The connection with the number `connections` stands."""

    since: float
    connections: int
    unreached: Backoff
    cut_off: Backoff


State = Down | Dialing | Up


class Elapsed(msgspec.Struct, frozen=True):
    """Time has passed."""


class Dialed(msgspec.Struct, frozen=True):
    """The attempt has succeeded."""


class Failed(msgspec.Struct, frozen=True):
    """The attempt has failed, or the connection is lost."""


Event = Elapsed | Dialed | Failed


def first(now: float) -> State:
    """Dials at once."""
    return Down(until=now, connections=0, unreached=UNREACHED, cut_off=CUT_OFF)


def step(state: State, event: Event, now: float, *, random_: random.Random) -> State:
    """The state after an event. Whoever sees `Dialing` begin has to dial. An event that the state does not know changes nothing."""
    match state, event:
        case Down(connections=connections, unreached=unreached, cut_off=cut_off), Elapsed() if now >= state.until:
            return Dialing(connections=connections, unreached=unreached, cut_off=cut_off)
        case Dialing(connections=connections, unreached=unreached, cut_off=cut_off), Dialed():
            return Up(since=now, connections=connections + 1, unreached=unreached, cut_off=cut_off)
        case Dialing(connections=connections, unreached=unreached, cut_off=cut_off), Failed():
            unreached, wait = unreached.after_failure(now, random_=random_)
            return Down(until=now + wait, connections=connections, unreached=unreached, cut_off=cut_off)
        case Up(since=since, connections=connections, unreached=unreached, cut_off=cut_off), Failed():
            if now - since >= LASTING_SECONDS:
                unreached, cut_off = UNREACHED, CUT_OFF
            cut_off, wait = cut_off.after_failure(now, random_=random_)
            return Down(until=now + wait, connections=connections, unreached=unreached, cut_off=cut_off)
        case ((Down() | Dialing() | Up()), (Elapsed() | Dialed() | Failed())):
            return state
        case _:
            assert_never((state, event))
