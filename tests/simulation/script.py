"""Scripts: what is done to a world, step by step. A seed gives one, and so may hypothesis; both replay exactly."""

import random
from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

from tests.simulation.edges import Edges
from tests.simulation.faults import LONG_FELT, OPERATIONS, WEIGHTS, WORKLOAD
from tests.simulation.quiet import PROMPT_SECONDS, QUIET_SECONDS, settle
from tests.simulation.world import Trace, World

MOST_STEPS = 20
SEEDS = 1_000_000
"""Of what a step leaves open."""

STARTED_SHARE = 0.6
"""Of schedules that begin with all processes having started. In the others things happen meanwhile."""

NAMES = tuple(OPERATIONS)


class Step(NamedTuple):
    """An operation, the seed of what it leaves open, and how many moves the scheduler makes after it."""

    operation: str
    seed: int
    moves: int


class Script(NamedTuple):
    """All of a schedule. `seed` decides what the world is like, and what moves next."""

    seed: int
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        steps = ", ".join(f"({step.operation!r}, {step.seed}, {step.moves})" for step in self.steps)
        return f"seed {self.seed}, {len(self.steps)} steps: {steps}"


class Failed(NamedTuple):
    """How a schedule failed."""

    script: Script
    error: Exception


def script_of(seed: int, *, steps: int | None = None) -> Script:
    """The script of a seed, with so many steps; by default as many as the seed says."""
    random_ = random.Random(seed)
    count = random_.randint(1, MOST_STEPS)
    names = random_.choices(NAMES, _weights(random_), k=steps or count)
    if random_.random() < STARTED_SHARE:
        names[0] = "rest"
    return Script(seed, tuple(Step(name, random_.randrange(SEEDS), _moves(random_)) for name in names))


def _weights(random_: random.Random) -> list[int]:
    """Each schedule has a few of the faults only (swarm testing): all of them together hinder one another."""
    share = random_.choice((0.15, 0.3, 1.0))
    return [
        weight if name in WORKLOAD or random_.random() < share else 0
        for name, weight in zip(NAMES, WEIGHTS, strict=True)
    ]


def _moves(random_: random.Random) -> int:
    """Often few, so that faults meet; at times enough for everything to come to rest."""
    return random_.choice((0, 1, 2, 4, 8, 16, 24))


def play(script: Script, edges: Edges, *, trace: Trace | None = None) -> Failed | None:
    """Runs a schedule to its end, on the edges that `simulated` gives. None when all holds."""
    world = World(edges, random.Random(script.seed), trace=trace)
    try:
        for step in script.steps:
            world.say(f"* {step.operation} ({step.seed})")
            # Each step has its own source of chance: when another is left out, this one still does much the same.
            world.random.seed(step.seed)
            OPERATIONS[step.operation](world, random.Random(step.seed + 1))
            world.run(step.moves)
        world.random.seed(script.seed)
        settle(world, within_seconds=_patience(script))
    except Exception as error:  # noqa: BLE001 (an error of any process fails the schedule)
        return Failed(script, error)
    return None


def _patience(script: Script) -> float:
    return QUIET_SECONDS if any(step.operation in LONG_FELT for step in script.steps) else PROMPT_SECONDS


def shrink(failed: Failed, edges: Edges) -> Failed:
    """The same kind of failure with fewer steps: no step of it can be left out, nor any two of them, and none needs fewer moves."""
    while (simpler := _simpler(failed, edges)) is not None:
        failed = simpler
    return failed


def _simpler(failed: Failed, edges: Edges) -> Failed | None:
    for script in _simplifications(failed.script):
        again = play(script, edges)
        if again is not None and type(again.error) is type(failed.error):
            return again
    return None


def _simplifications(script: Script) -> Iterable[Script]:
    steps = script.steps
    half = len(steps) // 2
    while half:
        for at in range(0, len(steps), half):
            yield Script(script.seed, steps[:at] + steps[at + half :])
        half //= 2
    for at, step in enumerate(steps):
        if step.moves:
            yield Script(script.seed, (*steps[:at], step._replace(moves=step.moves // 2), *steps[at + 1 :]))
    # What follows a step is another interleaving without it: where each of two alone was needed, both may be not.
    for first, second in combinations(range(len(steps)), 2):
        yield Script(script.seed, (*steps[:first], *steps[first + 1 : second], *steps[second + 1 :]))
