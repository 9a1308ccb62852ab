"""What must hold when faults have ended: the reducer becomes equal to the cluster, stays so, and follows what happens next."""

from collections.abc import Mapping
from typing import Final

from matcher.groups import Provisional, Waiting
from matcher.outbox import Open
from relay.flush import LONGEST_GATHER_SECONDS
from sandbox.reducer.held import HeldPod
from sandbox.truth import Truth, differences
from tests.simulation.faults import OPERATIONS, WORKLOAD
from tests.simulation.world import World

PROMPT_SECONDS: Final = 15.0
"""The way back from kills, stops and whatever happens between the processes."""

QUIET_SECONDS: Final = 150.0
"""The longest way back from a server that went or refused: a backoff of 30 s, whose attempt meets another fault's rest, and all waits
of the pipeline behind it."""

DENIED_SHARE: Final = 0.1
"""Of schedules at whose end Jobs stay forbidden for a while."""

LINGERING_SHARE: Final = 0.02
LINGER_SECONDS: Final = 15.0
MOST_LATE_EPOCHS: Final = 4
LATE_SECONDS: Final = 10.0

RESUMED_SHARE: Final = 0.3
"""Of schedules whose cluster changes once more after everything was equal."""


class NotEqual(Exception):
    """The world was quiet for long enough, and the reducer does not hold what the cluster does."""


class Restless(Exception):
    """Nothing happens in the cluster, and epoch follows epoch."""


class Miscounted(Exception):
    """What the matcher says of itself is not so."""


def settle(world: World, *, within_seconds: float) -> None:
    """Faults end, and time goes on until the reducer is equal to the cluster. Raises one of the above, or what a move raises."""
    world.heal()
    if world.random.random() < DENIED_SHARE:
        world.api.deny({(verb, "jobs", namespace) for verb in ("list", "watch") for namespace in world.namespaces})
        _wait_for_equality(world, within_seconds=QUIET_SECONDS)
        world.heal()
        within_seconds = QUIET_SECONDS
    _wait_for_equality(world, within_seconds=within_seconds)
    if world.random.random() < LINGERING_SHARE:
        _linger(world)
    if world.random.random() < RESUMED_SHARE:
        _resume(world)


def _wait_for_equality(world: World, *, within_seconds: float) -> None:
    until = world.edges.clock.now + within_seconds
    while True:
        world.go_on(LONGEST_GATHER_SECONDS)  # what the relay gathers goes out by itself
        wrong = _what_is_wrong(world)
        if wrong is None:
            return
        if world.edges.clock.now >= until:
            raise wrong
        world.go_on(1.0)


def _what_is_wrong(world: World) -> NotEqual | Miscounted | None:
    found = differences(_expected(world), world.intake.pods())
    if found or not _is_at_rest(world):
        return NotEqual("; ".join(found or ["something is under way all the time"]))
    miscounts = _miscounts(world)
    return Miscounted("; ".join(miscounts)) if miscounts else None


def _linger(world: World) -> None:
    """Quiet stays quiet: what is still to come of earlier faults may bring an epoch, but not one after the other."""
    epochs = _epochs(world)
    world.go_on(LINGER_SECONDS)
    if _epochs(world) - epochs > MOST_LATE_EPOCHS:
        raise Restless(f"{_epochs(world) - epochs} epochs in {LINGER_SECONDS} quiet seconds")
    _wait_for_equality(world, within_seconds=LATE_SECONDS)


def _resume(world: World) -> None:
    """What was in a bad way while nothing happened shows when something does."""
    for name in world.random.choices((*WORKLOAD,), k=3):
        OPERATIONS[name](world, world.random)
    _wait_for_equality(world, within_seconds=QUIET_SECONDS)


def _epochs(world: World) -> int:
    assert world.matcher.core is not None
    return world.matcher.core.epochs.number


def _is_at_rest(world: World) -> bool:
    """Nothing is under way that could change what the reducer holds."""
    core = world.matcher.core
    return core is not None and not core.has_news() and world.intake.idle() and world.edges.network.settled()


def _expected(world: World) -> Truth:
    """What the reducer must hold. Where owners are waited for without an end, so many pods may be out of date as may wait."""
    expected = world.cluster.truth(jobs_seen=not world.api.denied)
    if world.settings.owner_wait_seconds:
        return expected
    waiting = {uid for uid in world.cluster.truth().orphaned if _differs(expected, world.intake.pods(), uid)}
    if len(waiting) > world.settings.max_waiting:
        return expected
    pods = {uid: pod for uid, pod in expected.pods.items() if uid not in waiting}
    # Whether and how the reducer has these does not matter, as with those that have no IP.
    return expected._replace(pods=pods, without_ip=expected.without_ip | waiting)


def _differs(expected: Truth, held: Mapping[str, HeldPod], uid: str) -> bool:
    there = {uid: held[uid]} if uid in held else {}
    return bool(differences(expected._replace(pods={uid: expected.pods[uid]}), there))


def _miscounts(world: World) -> list[str]:
    core = world.matcher.core
    assert core is not None
    standings = [pod.group.standing for pod in core.matcher.pods.values()]
    held = len(world.intake.pods())
    counts = [
        ("wait", core.matcher.groups.waiting, sum(isinstance(one, Waiting) for one in standings)),
        ("are provisional", core.matcher.groups.provisional, sum(isinstance(one, Provisional) for one in standings)),
        ("are live", core.outbox.live, held if isinstance(core.outbox.state, Open) else 0),
    ]
    return [f"{said} pods {what}, it says; {real} do" for what, said, real in counts if said != real]
