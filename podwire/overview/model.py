"""How a pipeline stands at one moment, worked out from what its stages say: a pure function of their states, and of those before for rates.

A stage of another version may leave out what is read here; then that is not known (None), and nothing breaks.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from podwire.states import States

RATE_SECONDS = 5.0
"""Rates are means over this time; at first, over the process's life."""

IN_SYNC = "in sync"

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class StageRow:
    """One stage, in the words of the table."""

    name: str
    pid: int | None
    restarts: int
    """Since the first look."""
    uptime_seconds: float | None
    cpu_share: float | None
    """Of one core."""
    pss_kib: int | None
    """Proportional set size; the resident one where the kernel does not tell."""
    state: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Something that takes a while."""

    what: str
    done: int
    of_about: int | None


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One moment. None where nobody could say."""

    stages: tuple[StageRow, ...]
    pods: Mapping[str, int]
    """By what the matcher says of them: known, live, waiting, provisional, dirty, unswept."""
    epoch: Json
    """As the matcher says; empty where it says nothing."""
    link: str | None
    lag: tuple[float, float] | None
    """Median and 99th percentile in seconds, from the watcher's read to the relay's flush, since the relay's start."""
    heard: Mapping[str, float]
    """Seconds since the API server was last heard, by kind."""
    events_per_second: float | None
    """Objects that lists and watches brought."""
    emissions_per_second: float | None
    bytes_per_second: float | None
    """To the reducer, compressed."""
    progress: tuple[Progress, ...]
    warnings: Mapping[str, Json]
    """Each stage's last warning or error, and its age."""


class Meter:
    """Takes states in order, and gives the overview of each."""

    def __init__(self) -> None:
        self._lives: dict[str, _Lives] = {}

    def take(self, states: States, *, at: float) -> Overview:
        """The overview at `at`, in monotonic seconds."""
        rates = {name: self._lives.setdefault(name, _Lives()).take(state, at) for name, state in states.items()}
        told = {name: state for name, state in states.items() if isinstance(state, Mapping)}
        watchers = {name: state for name, state in told.items() if state.get("kind")}
        matcher, relay = told.get("matcher", {}), told.get("relay", {})
        return Overview(
            stages=tuple(self._row(name, state, rates[name]) for name, state in states.items()),
            pods=_part(matcher, "pods"),
            epoch=_part(matcher, "epoch"),
            link=_link(_part(relay, "link")),
            lag=_lag(_part(relay, "lag")),
            heard={
                state["kind"]: state["watch_age_seconds"] for state in watchers.values() if "watch_age_seconds" in state
            },
            events_per_second=_sum(rates[name].get("events") for name in watchers),
            emissions_per_second=rates.get("matcher", {}).get("emissions"),
            bytes_per_second=rates.get("relay", {}).get("bytes"),
            progress=tuple(_progress(told)),
            warnings={name: state["last_error"] for name, state in told.items() if state.get("last_error")},
        )

    def _row(self, name: str, state: Json | str, rates: Mapping[str, float]) -> StageRow:
        known: Json = {} if isinstance(state, str) else state
        return StageRow(
            name=name,
            pid=known.get("pid"),
            restarts=self._lives[name].restarts,
            uptime_seconds=known.get("uptime_seconds"),
            cpu_share=rates.get("cpu"),
            pss_kib=known.get("pss_kib") or known.get("rss_kib"),
            state=state if isinstance(state, str) else state.get("not_ready") or IN_SYNC,
        )


class _Lives:
    """What has been seen of one stage's processes, one after the other."""

    def __init__(self) -> None:
        self.restarts = -1
        self._life: object = None
        self._totals: deque[tuple[float, Mapping[str, float]]] = deque()

    def take(self, state: Json | str, at: float) -> Mapping[str, float]:
        """Rates per second by name; those that cannot be known are left out."""
        if isinstance(state, str):
            return {}
        # In containers every process is number 1; the incarnation tells them apart.
        life = (state.get("pid"), state.get("incarnation"))
        if life != self._life:
            self._life, self._totals = life, deque()
            self.restarts += 1
            if state.get("uptime_seconds"):
                self._totals.append((at - state["uptime_seconds"], {}))
        self._totals.append((at, _totals(state)))
        while len(self._totals) > 2 and self._totals[0][0] < at - RATE_SECONDS:
            self._totals.popleft()
        return self._rates()

    def _rates(self) -> Mapping[str, float]:
        (began, before), (ended, after) = self._totals[0], self._totals[-1]
        seconds = ended - began
        return {name: (total - before.get(name, 0)) / seconds for name, total in after.items()} if seconds > 0 else {}


def _totals(state: Json) -> Mapping[str, float]:
    """What only grows while a process lives."""
    found: dict[str, float] = {"cpu": state.get("cpu_seconds", 0.0)}
    if "events" in state:
        found["events"] = sum(_part(state, "events").values())
    for name, part, key in (("emissions", "emissions", "sent"), ("bytes", "bytes", "compressed")):
        if key in _part(state, part):
            found[name] = _part(state, part)[key]
    return found


def _part(state: Json, name: str) -> Json:
    """A part of a state, empty where it is not there."""
    part = state.get(name)
    return part if isinstance(part, Mapping) else {}


def _sum(rates: Iterator[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None


def _link(link: Json) -> str | None:
    if not link:
        return None
    if link["connected"]:
        age = link.get("age_seconds")
        return f"up, connection {link['connection']}" + (f", for {duration(age)}" if age is not None else "")
    wait = link.get("dials_in_seconds")
    again = f"; next attempt in {duration(wait)}" if wait is not None else ""
    return f"down: {link['last_trouble'] or 'connecting'}{again}"


def _lag(lag: Json) -> tuple[float, float] | None:
    if not lag or lag["p50_seconds"] is None or lag["p99_seconds"] is None:
        return None
    return lag["p50_seconds"], lag["p99_seconds"]


def _progress(told: Mapping[str, Json]) -> Iterator[Progress]:
    for state in told.values():
        for scope in state.get("scopes", ()):
            if scope.get("list"):
                where = "" if scope["namespace"] == "all" else f" of {scope['namespace']}"
                yield Progress(what=f"list of {state['kind']}{where}", **_done(scope["list"]))
    matcher = told.get("matcher", {})
    for kind, watcher in _part(matcher, "watchers").items():
        if watcher.get("snapshot"):
            yield Progress(what=f"snapshot of {kind}", **_done(watcher["snapshot"]))
    pods = _part(matcher, "pods")
    if pods.get("unswept"):
        done = pods.get("swept", 0)
        yield Progress(what=f"epoch {matcher['epoch']['number']}", done=done, of_about=done + pods["unswept"])


def _done(told: Json) -> dict[str, Any]:
    return {"done": told["objects"], "of_about": told["of_about"]}


def duration(seconds: float) -> str:
    """For people: about how long, in a few characters."""
    for unit, size, most in (("s", 1, 10.0), ("s", 1, 120.0), ("min", 60, 7_200.0), ("h", 3_600, 172_800.0)):
        if seconds < most:
            return f"{seconds / size:.{1 if most == 10.0 else 0}f} {unit}"
    return f"{seconds / 86_400:.0f} d"
