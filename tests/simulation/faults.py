"""What a script may do to the world: the workload's changes and every fault that a process, ZeroMQ, HTTP or TCP can have, by name.

Each is a function of the world and a random source of its own. What a fault has begun ends by another step, or when the world is healed.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from common.messages import VERSION, Incarnation, Report, SnapshotGone, Usage, encode
from tests.simulation.sockets import PULL

if TYPE_CHECKING:
    from tests.simulation.world import World

EMISSIONS: Final = "matcher>relay.emissions"
"""The link that loses the most when it breaks."""

MOST_MOVES_BEFORE: Final = 15
"""So long is waited for the moment at which a fault hurts."""

LITTER: Final = (
    b"",
    b"\x00\xff garbage",
    b"\xc1" * 40,
    encode(SnapshotGone(version=VERSION + 1, request=1, incarnation=Incarnation("foreign"))),
    encode(SnapshotGone(request=-1, incarnation=Incarnation("stray"))),
    encode(Report(matcher=Incarnation("stray"), healthy=True, usage=Usage())),
)
"""Frames that no socket of podwire waits for."""

Operation = Callable[["World", random.Random], None]


def _kill(world: "World", random_: random.Random) -> None:
    process = random_.choice((*world.processes, world.matcher))
    if process is world.matcher and random_.random() < 0.5:
        emissions = [link for link in world.edges.network.links if link.name == EMISSIONS]
        world.run_until(lambda: any(link.loaded for link in emissions), MOST_MOVES_BEFORE)
    process.kill()
    if random_.random() < 0.6:
        process.start()


def _start(world: "World", _random: random.Random) -> None:
    for process in world.processes:
        process.start()


def _stop(world: "World", random_: random.Random) -> None:
    random_.choice(world.processes).stopped = True


def _continue(world: "World", _random: random.Random) -> None:
    for process in world.everybody:
        process.stopped = False


def _kill_reducer(world: "World", random_: random.Random) -> None:
    world.intake.kill()
    if random_.random() < 0.7:
        world.intake.start()


def _slow_reducer(world: "World", random_: random.Random) -> None:
    match random_.randrange(4):
        case 0 | 1:
            world.intake.stopped = True
        case 2:
            world.intake.refusing = not world.intake.refusing
        case _:
            world.intake.unreachable = not world.intake.unreachable
            world.intake.fall_silent()


def _cut_upstream(world: "World", random_: random.Random) -> None:
    match random_.randrange(3):
        case 0:
            world.intake.fall_silent()
        case 1:
            world.intake.cut(reset=True)
        case _:
            world.intake.cut(reset=False)


def _break_pipe(world: "World", random_: random.Random) -> None:
    links = sorted(world.edges.network.links, key=lambda link: link.name)
    emissions = [link for link in links if link.name == EMISSIONS]
    picked = random_.choice(emissions if emissions and random_.random() < 0.5 else links) if links else None
    if picked is not None:
        world.run_until(lambda: picked.loaded, MOST_MOVES_BEFORE)
        picked.break_off(random_)


def _overtake(world: "World", random_: random.Random) -> None:
    """An epoch's beginning waits in the relay's socket when its connection breaks: what comes on the next one may be read first."""
    links = [link for link in world.edges.network.links if link.name == EMISSIONS]
    world.slow = "relay"
    world.matcher.ask_for_epoch()
    world.run_until(lambda: any(link.loaded for link in links), MOST_MOVES_BEFORE)
    for link in links:
        link.break_off(random_)
    world.matcher.ask_for_epoch()
    sockets = [socket for socket in world.edges.network.sockets if socket.kind == PULL]
    world.run_until(lambda: any(socket.has_several() for socket in sockets), 3 * MOST_MOVES_BEFORE)


def _crash_api(world: "World", random_: random.Random) -> None:
    world.api.crash()
    if random_.random() < 0.6:
        world.api.up = True


def _refuse(world: "World", random_: random.Random) -> None:
    world.api.refusals.extend(random_.choice((429, 500, 503, 504, 410, 422)) for _ in range(random_.randint(1, 3)))


def _deny(world: "World", random_: random.Random) -> None:
    plural = random_.choice(("jobs", "jobs", "replicasets", "pods"))
    verbs = random_.choice((("list", "watch"), ("list", "watch"), ("list",), ("watch",)))
    namespaces = random_.choice((world.namespaces, world.namespaces[:1]))
    world.api.deny({(verb, plural, namespace) for verb in verbs for namespace in namespaces})


def _rotate_token(world: "World", _random: random.Random) -> None:
    world.api.token += 1


def _compact(world: "World", random_: random.Random) -> None:
    world.cluster.store.compact()
    if random_.random() < 0.5:
        world.api.tokens_from = world.cluster.store.version


def _hurt_exchange(world: "World", random_: random.Random) -> None:
    exchanges = world.api.open()
    if not exchanges:
        return
    exchange = random_.choice(exchanges)
    if random_.random() < 0.5:
        world.run_until(lambda: bool(exchange.connection.flying), MOST_MOVES_BEFORE)
    match random_.randrange(8):
        case 0 if exchange.follower is not None:
            exchange.end()
        case 1:
            exchange.expire()
        case 2 if exchange.follower is not None:
            exchange.fail()
        case 3:
            exchange.garble(random_)
        case 4:
            exchange.reset()
        case 5:
            exchange.silent = True
        case _:
            exchange.cut(random_)


def _litter(world: "World", random_: random.Random) -> None:
    sockets = world.edges.network.sockets
    if sockets:
        random_.choice(sockets).litter(random_.choice(LITTER))


def _set_clock(world: "World", random_: random.Random) -> None:
    world.edges.clock.wall_offset_ns += random_.choice((-1, 1)) * 3_600 * 10**9


def _pass(world: "World", random_: random.Random) -> None:
    world.edges.clock.now += random_.choice((0.01, 0.3, 1.0, 3.0, 10.0))


def _rest(world: "World", _random: random.Random) -> None:
    world.move_all()


def _resync(world: "World", _random: random.Random) -> None:
    world.matcher.ask_for_epoch()


def _work(name: str) -> Operation:
    def operation(world: "World", random_: random.Random) -> None:
        getattr(world.cluster, name)(random_)

    return operation


WORKLOAD: Final[dict[str, tuple[int, Operation]]] = {
    name: (weight, _work(name))
    for name, weight in {
        "add_pod": 8,
        "remove_pod": 6,
        "replace_pod": 3,
        "change_status": 14,
        "change_nothing": 2,
        "hand_over_pod": 5,
        "add_owner": 6,
        "remove_owner": 3,
        "hand_over_owner": 4,
    }.items()
}

FAULTS: Final[dict[str, tuple[int, Operation]]] = {
    "kill": (8, _kill),
    "start": (4, _start),
    "stop": (3, _stop),
    "continue": (3, _continue),
    "kill_reducer": (2, _kill_reducer),
    "slow_reducer": (3, _slow_reducer),
    "cut_upstream": (3, _cut_upstream),
    "break_pipe": (6, _break_pipe),
    "overtake": (3, _overtake),
    "crash_api": (2, _crash_api),
    "refuse": (2, _refuse),
    "deny": (1, _deny),
    "rotate_token": (1, _rotate_token),
    "compact": (3, _compact),
    "hurt_exchange": (7, _hurt_exchange),
    "litter": (1, _litter),
    "set_clock": (1, _set_clock),
    "pass": (6, _pass),
    "rest": (4, _rest),
    "resync": (1, _resync),
}

LONG_FELT: Final = frozenset(
    {
        "kill_reducer",
        "slow_reducer",
        "cut_upstream",
        "crash_api",
        "refuse",
        "deny",
        "rotate_token",
        "compact",
        "hurt_exchange",
    }
)
"""Faults of servers: who has met them waits before it tries again, and longer each time."""

OPERATIONS: Final[dict[str, Operation]] = {name: operation for name, (_, operation) in {**WORKLOAD, **FAULTS}.items()}
"""Everything that a step of a script may name."""

WEIGHTS: Final = tuple(weight for weight, _ in {**WORKLOAD, **FAULTS}.values())
