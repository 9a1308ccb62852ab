"""What a script may do to the world: the workload's changes and every fault that a process, ZeroMQ, HTTP or TCP can have, by name.

Each is a function of the world and a random source of its own. What a fault has begun ends by another step, or when the world is healed.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.simulation.world import World

EMISSIONS: Final = "matcher>relay.emissions"
"""The link that loses the most when it breaks."""

MOST_MOVES_BEFORE: Final = 15
"""So long is waited for the moment at which a fault hurts."""

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


def _crash_api(world: "World", random_: random.Random) -> None:
    world.api.crash()
    if random_.random() < 0.6:
        world.api.up = True


def _refuse(world: "World", random_: random.Random) -> None:
    world.api.refusals.extend(random_.choice((429, 500, 503, 410)) for _ in range(random_.randint(1, 3)))


def _deny(world: "World", random_: random.Random) -> None:
    plural = random_.choice(("jobs", "jobs", "replicasets", "pods"))
    world.api.denied ^= {plural}


def _rotate_token(world: "World", _random: random.Random) -> None:
    world.api.token += 1


def _compact(world: "World", random_: random.Random) -> None:
    world.cluster.store.compact()
    if random_.random() < 0.5:
        world.api.tokens_from = world.cluster.store.version


def _hurt_watch(world: "World", random_: random.Random) -> None:
    watches = world.api.watches()
    if not watches:
        return
    watch = random_.choice(watches)
    match random_.randrange(6):
        case 0:
            watch.end()
        case 1:
            watch.cut(torn=False)
        case 2:
            watch.cut(torn=True)
        case 3:
            watch.expire()
        case 4:
            watch.garble()
        case _:
            watch.silent = True


def _pass(world: "World", random_: random.Random) -> None:
    world.edges.clock.now += random_.choice((0.01, 0.3, 1.0, 3.0, 10.0))


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
    "crash_api": (2, _crash_api),
    "refuse": (2, _refuse),
    "deny": (1, _deny),
    "rotate_token": (1, _rotate_token),
    "compact": (3, _compact),
    "hurt_watch": (6, _hurt_watch),
    "pass": (6, _pass),
    "resync": (1, _resync),
}

OPERATIONS: Final[dict[str, Operation]] = {name: operation for name, (_, operation) in {**WORKLOAD, **FAULTS}.items()}
"""Everything that a step of a script may name."""

WEIGHTS: Final = tuple(weight for weight, _ in {**WORKLOAD, **FAULTS}.values())
