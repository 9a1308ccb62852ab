"""The faults that chaos draws from: what each does to a scene, when it is over, and how soon podwire has to be in step after that.

Everything random about a fault is drawn before it strikes, so a seed's faults are the same however podwire and the machine behave.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from common.records import KINDS
from podwire.stages import STAGES
from tests.chaos.cluster import SandboxCluster
from tests.chaos.scene import Scene

PROMISED_SECONDS = 15.0

START_SECONDS = 60.0
"""Five processes on a busy machine, and the first list: nothing is promised of that."""

AFTER_WAITS_SECONDS = 45.0
"""After refusals, and connections that did not last, the design waits up to 30 s before it asks again."""

Deed = Callable[[Scene], object]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault, drawn."""

    kind: str
    """What recoveries are gathered by."""
    words: str
    """For whoever watches."""
    target: str
    """What it strikes: a stage, `reducer`, `api`, or `all` of podwire. Two of one round strike different things."""
    strike: Deed
    heal: Deed = lambda _scene: None
    lasts_seconds: float = 0.0
    within_seconds: float = PROMISED_SECONDS


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of fault that can be drawn."""

    weight: int
    draw: Callable[[random.Random], Fault]
    sandbox_only: bool = False


def _kill(random_: random.Random) -> Fault:
    stage = random_.choice(STAGES)
    return Fault(
        kind=f"kill {stage}", words=f"kill {stage}", target=stage, strike=lambda scene: scene.processes.kill(stage)
    )


def _kill_all(random_: random.Random) -> Fault:
    order = random_.sample(STAGES, k=len(STAGES))
    return Fault(
        kind="kill all of podwire",
        words=f"kill all of podwire; by hand {order[0]} is first again",
        target="all",
        strike=lambda scene: scene.processes.kill_all(order),
        within_seconds=START_SECONDS,
    )


def _stop(random_: random.Random) -> Fault:
    stage, seconds = random_.choice(STAGES), random_.choice((1.0, 3.0, 6.0, 20.0))
    return Fault(
        kind=f"stop {stage}",
        words=f"stop {stage} for {seconds:.0f} s",
        target=stage,
        strike=lambda scene: scene.processes.stop(stage),
        heal=lambda scene: scene.processes.go_on(stage),
        lasts_seconds=seconds,
    )


def _reducer_killed(random_: random.Random) -> Fault:
    seconds = random_.choice((0.0, 1.0, 4.0, 12.0))
    return Fault(
        kind="reducer killed",
        words=f"kill the reducer; it is back {seconds:.0f} s later",
        target="reducer",
        strike=lambda scene: scene.reducer.kill(),
        heal=lambda scene: scene.reducer.start(),
        lasts_seconds=seconds,
    )


def _reducer_stalls(random_: random.Random) -> Fault:
    seconds = random_.choice((2.0, 5.0, 15.0))
    return _of_reducer(
        "reducer stalls", f"the reducer reads nothing for {seconds:.0f} s", f"/stall?seconds={seconds}", lasts=seconds
    )


def _reducer_is_slow(random_: random.Random) -> Fault:
    rate, seconds = random_.choice((1_000, 10_000, 50_000)), random_.choice((3.0, 8.0))
    return _of_reducer(
        "reducer is slow",
        f"the reducer reads {rate // 1_000} kB/s for {seconds:.0f} s",
        f"/rate?bytes_per_second={rate}",
        lasts=seconds,
        undo="/rate?bytes_per_second=0",
    )


def _reducer_cuts(random_: random.Random) -> Fault:
    how = random_.choice(("rst", "fin"))
    return _of_reducer("reducer cuts", f"the reducer closes ({how})", f"/cut?how={how}", within=AFTER_WAITS_SECONDS)


def _reducer_cuts_in_frames(random_: random.Random) -> Fault:
    how, after, times = random_.choice(("rst", "fin")), random_.randrange(30_000), random_.randint(1, 3)
    return Fault(
        kind="reducer cuts in a frame",
        words=f"the reducer closes ({how}) after {after} bytes, {times} times",
        target="reducer",
        strike=lambda scene: scene.reducer.order(f"/cut?how={how}&after={after}&times={times}"),
        heal=_wait_until_cut,
        within_seconds=AFTER_WAITS_SECONDS,
    )


def _wait_until_cut(scene: Scene) -> None:
    """It takes as long as the bytes, and new connections, take to come."""
    until = time.monotonic() + 2 * AFTER_WAITS_SECONDS
    while scene.reducer.get("/state")["orders"]["cut"] is not None and time.monotonic() < until:
        time.sleep(0.1)


def _reducer_refuses(random_: random.Random) -> Fault:
    seconds = random_.choice((1.0, 4.0, 10.0))

    def strike(scene: Scene) -> None:
        scene.reducer.order(f"/refuse?seconds={seconds}")
        scene.reducer.order("/cut?how=rst")

    return Fault(
        kind="reducer refuses",
        words=f"the reducer closes, and refuses for {seconds:.0f} s",
        target="reducer",
        strike=strike,
        lasts_seconds=seconds,
        within_seconds=AFTER_WAITS_SECONDS,
    )


def _of_reducer(
    kind: str, words: str, order: str, *, lasts: float = 0.0, undo: str | None = None, within: float = PROMISED_SECONDS
) -> Fault:
    return Fault(
        kind=kind,
        words=words,
        target="reducer",
        strike=lambda scene: scene.reducer.order(order),
        heal=lambda scene: undo and scene.reducer.order(undo),
        lasts_seconds=lasts,
        within_seconds=within,
    )


Order = dict[str, Any]
"""One of `sandbox.orders`; `resource` is filled in where it is None."""


def _order(name: str, **details: Any) -> Order:
    return {"order": name, "resource": None, **details}


def _alone(name: str, **details: Any) -> Order:
    return {"order": name, **details}


@dataclass(frozen=True, kw_only=True)
class ApiFault:
    """Something that the sandbox's API server is ordered to do wrong, for one of so many seconds."""

    kind: str
    strike: tuple[Order, ...]
    heal: tuple[Order, ...]
    lasts_seconds: tuple[float, ...]
    within_seconds: float

    def draw(self, random_: random.Random) -> Fault:
        """For a resource, or all."""
        resource, seconds = random_.choice(("", *KINDS)), random_.choice(self.lasts_seconds)
        standing = f" for {seconds:.0f} s" if seconds else ""
        whose = (
            f", {resource or 'all kinds'}" if any(order.get("resource", "") is None for order in self.strike) else ""
        )
        return Fault(
            kind=f"API: {self.kind}",
            words=f"API: {self.kind}{whose}{standing}",
            target="api",
            strike=partial(_give, self.strike, resource),
            heal=partial(_give, self.heal, resource),
            lasts_seconds=seconds,
            within_seconds=self.within_seconds,
        )


def _give(orders: Sequence[Order], resource: str, scene: Scene) -> None:
    assert isinstance(scene.cluster, SandboxCluster)
    for order in orders:
        scene.cluster.sandbox.order(**order | ({"resource": resource} if order.get("resource", "") is None else {}))


def _api(
    kind: str,
    *strike: Order,
    heal: tuple[Order, ...] = (),
    lasts: tuple[float, ...] = (0.0,),
    within: float = AFTER_WAITS_SECONDS,
) -> Kind:
    fault = ApiFault(kind=kind, strike=strike, heal=heal, lasts_seconds=lasts, within_seconds=within)
    return Kind(weight=1, draw=fault.draw, sandbox_only=True)


CUT = _order("cut")
GONE = _order("gone")
SLOW, AT_ONCE = _order("slow", seconds=0.7), _order("slow", seconds=0.0)
PAGES, STREAMS = _alone("streaming", on=False), _alone("streaming", on=True)

CATALOGUE = (
    Kind(weight=12, draw=_kill),
    Kind(weight=1, draw=_kill_all),
    Kind(weight=5, draw=_stop),
    Kind(weight=2, draw=_reducer_killed),
    Kind(weight=2, draw=_reducer_stalls),
    Kind(weight=2, draw=_reducer_is_slow),
    Kind(weight=2, draw=_reducer_cuts),
    Kind(weight=2, draw=_reducer_cuts_in_frames),
    Kind(weight=2, draw=_reducer_refuses),
    _api("watches are cut", CUT),
    _api("watches are torn in a line", _order("tear")),
    _api("watches end", _order("end"), within=PROMISED_SECONDS),
    _api("garbage in watches", _order("garbage")),
    _api("watches fall silent", _order("silence"), lasts=(2.0,)),
    _api("410 in watches", GONE),
    _api("410 for watches opened again", _alone("compact"), CUT),
    _api("410 for a new list", _order("refuse", status=410, verb="list"), GONE),
    _api("410 in lists", PAGES, SLOW, GONE, heal=(_alone("compact"), AT_ONCE, STREAMS), lasts=(1.0,)),
    _api("tokens expire", PAGES, SLOW, GONE, heal=(_alone("expire-tokens"), AT_ONCE, STREAMS), lasts=(1.0,)),
    _api("429", _order("refuse", status=429, count=2, retry_after_seconds=2), CUT),
    _api("500s", _order("refuse", status=500, count=3), CUT),
    _api("503 for lists", _order("refuse", status=503, count=2, verb="list"), GONE),
    _api("slow lists", _order("slow", seconds=1.5), GONE, heal=(AT_ONCE,), lasts=(2.0, 5.0)),
    _api(
        "403",
        *(_alone("deny", resource=kind) for kind in KINDS),
        _alone("cut"),
        heal=(_alone("clear"),),
        lasts=(2.0, 6.0),
    ),
    _api("403 for jobs", _alone("deny", resource="jobs"), _alone("cut"), heal=(_alone("clear"),), lasts=(2.0, 6.0)),
    _api("401, a token too late", _alone("rotate", publish=False), CUT, heal=(_alone("publish"),), lasts=(1.0, 4.0)),
    _api("401, a new token", _alone("rotate"), CUT),
    _api("no streaming lists", PAGES, GONE, heal=(STREAMS,), lasts=(3.0,)),
)
"""Every fault that may be drawn."""
