"""Which child to start and when, and how all of them end: the supervisor's decisions, without processes, signals or a clock.

A child that ends is started again, after a wait that grows while it keeps ending soon: up to half a minute where it ends by a fault of
its own, which time may cure, but never beyond two seconds where somebody killed it or asked it to end. Three things end all children:
somebody asks, the leader (the child whose end is the purpose of the others, if there is one) ends, or a child refuses its task right at
its start. All are asked to end then, and killed when they take too long. `podwire.children` carries out what is decided here.
"""

import random
import signal
from collections.abc import Mapping
from typing import assert_never

import msgspec

from common.backoff import Backoff

FIRST_WAIT_SECONDS = 0.5

MOST_WAIT_SECONDS = 30.0
"""For a child that keeps failing by itself: each life may cost the API server a list of everything."""

MOST_KILLED_WAIT_SECONDS = 2.0
"""For one that keeps being killed, so that the pipeline is whole again within seconds of the last kill, however many there were. It grows
that far because the kernel may be the killer, for want of memory, and the next life may need as much."""

SETTLED_SECONDS = 10.0
"""A child that has lived so long has started well: its next end is the first one again, and an exit code 2 no refusal."""

GRACE_SECONDS = 4.0
"""From asking all to end until those that are left are killed: all is over within 5 s."""

REFUSED = 2
"""The exit code for a mistake of the user, as of every podwire command."""


_KILLED = frozenset({0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP})
"""How a child ends when it was told to: a stage never ends with 0 unless it was asked."""


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """How long a child has to wait for its next start. Kept apart, so that many kills do not make the first fault's wait a long one."""

    faults: Backoff
    kills: Backoff

    def after(self, code: int, now: float, *, random_: random.Random) -> tuple["Waits", float]:
        """What to keep after an end with this code, and the seconds to wait."""
        if code in _KILLED:
            kills, wait = self.kills.after_failure(now, random_=random_)
            return msgspec.structs.replace(self, kills=kills), wait
        faults, wait = self.faults.after_failure(now, random_=random_)
        return msgspec.structs.replace(self, faults=faults), wait


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A child to be started at `at` (monotonic seconds)."""

    at: float
    waits: Waits
    lives: int
    """How often it has been started."""


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A child that lives."""

    pid: int
    since: float
    waits: Waits
    lives: int


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """All children are to run."""

    children: Mapping[str, Due | Running]
    leader: str | None


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """All children have been asked to end; those in `left` have not yet."""

    left: Mapping[str, int]
    """PIDs."""
    kill_at: float
    code: int
    """The supervisor's own exit code."""


class Over(msgspec.Struct, frozen=True):
    """No child is left."""

    code: int


State = Keeping | Ending | Over


class Started(msgspec.Struct, frozen=True):
    """The child was started, as this process."""

    name: str
    pid: int


class Ended(msgspec.Struct, frozen=True):
    """A process that was a child (or, in a container, an orphan) has ended."""

    pid: int
    code: int
    """Its exit code, or minus the signal's number (as os.waitstatus_to_exitcode)."""


class Asked(msgspec.Struct, frozen=True):
    """Everything shall end: now with grace, and when asked again without."""


class Turn(msgspec.Struct, frozen=True):
    """Time has passed."""


Event = Started | Ended | Asked | Turn


class Start(msgspec.Struct, frozen=True):
    """Start this child and answer with `Started`."""

    name: str


class Signal(msgspec.Struct, frozen=True):
    """Send a signal to a child that has not been reaped."""

    pid: int
    number: int


class Restarting(msgspec.Struct, frozen=True):
    """Tell that a child has ended and will be started again."""

    name: str
    pid: int
    code: int
    wait_seconds: float


class Refused(msgspec.Struct, frozen=True):
    """Tell why all ends: this child will not start at all."""

    name: str


Action = Start | Signal | Restarting | Refused


def begin(names: tuple[str, ...], *, leader: str | None, now: float) -> Keeping:
    """The state in which all of `names` are due."""
    fresh = Waits(
        faults=_backoff(most_seconds=MOST_WAIT_SECONDS), kills=_backoff(most_seconds=MOST_KILLED_WAIT_SECONDS)
    )
    return Keeping(children={name: Due(at=now, waits=fresh, lives=0) for name in names}, leader=leader)


def _backoff(*, most_seconds: float) -> Backoff:
    return Backoff(first_seconds=FIRST_WAIT_SECONDS, most_seconds=most_seconds, quiet_seconds=SETTLED_SECONDS)


def wake_at(state: State) -> float:
    """When the next `Turn` has something to decide (monotonic seconds; infinity: never)."""
    match state:
        case Keeping():
            return min((child.at for child in state.children.values() if isinstance(child, Due)), default=float("inf"))
        case Ending():
            return state.kill_at
        case Over():
            return float("inf")
        case _:
            assert_never(state)


def step(state: State, event: Event, *, now: float, random_: random.Random) -> tuple[State, list[Action]]:
    """What follows from an event: the new state, and what to do, in order."""
    match state:
        case Keeping():
            return _keep(state, event, now=now, random_=random_)
        case Ending():
            return _end(state, event, now=now)
        case Over():
            return state, []
        case _:
            assert_never(state)


def _keep(state: Keeping, event: Event, *, now: float, random_: random.Random) -> tuple[State, list[Action]]:
    match event:
        case Turn():
            return state, [
                Start(name) for name, child in state.children.items() if isinstance(child, Due) and child.at <= now
            ]
        case Started(name, pid):
            due = state.children[name]
            running = Running(pid=pid, since=now, waits=due.waits, lives=due.lives + 1)
            return _with_child(state, name, running), []
        case Asked():
            return _ask_all(state, code=0, now=now)
        case Ended(pid, code):
            return _ended(state, pid, code, now=now, random_=random_)
        case _:
            assert_never(event)


def _ended(state: Keeping, pid: int, code: int, *, now: float, random_: random.Random) -> tuple[State, list[Action]]:
    running = {child.pid: (name, child) for name, child in state.children.items() if isinstance(child, Running)}
    if pid not in running:
        return state, []
    name, child = running[pid]
    if name == state.leader:
        return _ask_all(_without_child(state, name), code=code if code >= 0 else 1, now=now)
    if code == REFUSED and child.lives == 1 and now - child.since < SETTLED_SECONDS:
        ending, actions = _ask_all(_without_child(state, name), code=REFUSED, now=now)
        return ending, [Refused(name), *actions]
    waits, wait = child.waits.after(code, now, random_=random_)
    due = Due(at=now + wait, waits=waits, lives=child.lives)
    return _with_child(state, name, due), [Restarting(name, pid, code, wait)]


def _ask_all(state: Keeping, *, code: int, now: float) -> tuple[State, list[Action]]:
    left = {name: child.pid for name, child in state.children.items() if isinstance(child, Running)}
    if not left:
        return Over(code), []
    return Ending(left=left, kill_at=now + GRACE_SECONDS, code=code), [
        Signal(pid, signal.SIGTERM) for pid in left.values()
    ]


def _end(state: Ending, event: Event, *, now: float) -> tuple[State, list[Action]]:
    match event:
        case Ended(pid, _):
            left = {name: other for name, other in state.left.items() if other != pid}
            return (msgspec.structs.replace(state, left=left) if left else Over(state.code)), []
        case Turn() if now < state.kill_at:
            return state, []
        case Turn() | Asked():
            killed = msgspec.structs.replace(state, kill_at=float("inf"))
            return killed, [Signal(pid, signal.SIGKILL) for pid in state.left.values()]
        case Started(name, pid):
            left = {**state.left, name: pid}
            return msgspec.structs.replace(state, left=left), [Signal(pid, signal.SIGTERM)]
        case _:
            assert_never(event)


def _with_child(state: Keeping, name: str, child: Due | Running) -> Keeping:
    return msgspec.structs.replace(state, children={**state.children, name: child})


def _without_child(state: Keeping, name: str) -> Keeping:
    return msgspec.structs.replace(
        state, children={other: child for other, child in state.children.items() if other != name}
    )
