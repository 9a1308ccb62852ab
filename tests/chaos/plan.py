"""Which faults strike when: all of it drawn from the seed alone.

A plan is acts without end. Each starts podwire in one of the ways in turn; its rounds strike with one fault, or with several that
overlap, and podwire is to be in step after each.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podwire.stages import STAGES
from tests.chaos.faults import Fault, Kind

ROUNDS_OF_AN_ACT = 12
COUNTS, COUNT_WEIGHTS = (1, 2, 3, 5), (12, 4, 2, 2)
"""Faults of a round: mostly one, so that recoveries can be told apart."""

LONGEST_GAP_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Strike:
    """A fault of a round, and when it strikes after the round's begin."""

    at_seconds: float
    fault: Fault


@dataclass(frozen=True, kw_only=True)
class Act:
    """podwire in one life of everything."""

    starter: str
    """One of `processes.STARTERS`."""
    order: tuple[str, ...]
    """In which the stages are started, where each is started by itself."""
    rounds: tuple[tuple[Strike, ...], ...]


def acts(seed: int, *, catalogue: Sequence[Kind], starters: Sequence[str]) -> Iterator[Act]:
    """The seed's plan: the same for the same catalogue and starters."""
    random_ = random.Random(seed)
    while True:
        for starter in starters:
            order = tuple(random_.sample(STAGES, k=len(STAGES)))
            rounds = tuple(_round(random_, catalogue) for _ in range(ROUNDS_OF_AN_ACT))
            yield Act(starter=starter, order=order, rounds=rounds)


def _round(random_: random.Random, catalogue: Sequence[Kind]) -> tuple[Strike, ...]:
    (count,) = random_.choices(COUNTS, COUNT_WEIGHTS)
    strikes: list[Strike] = []
    at_seconds = 0.0
    for _ in range(count):
        (kind,) = random_.choices(catalogue, [kind.weight for kind in catalogue])
        fault = kind.draw(random_)
        if not _meets(fault, strikes):
            strikes.append(Strike(at_seconds=at_seconds, fault=fault))
            at_seconds += random_.uniform(0.0, LONGEST_GAP_SECONDS)
    return tuple(strikes)


def _meets(fault: Fault, strikes: Sequence[Strike]) -> bool:
    """Whether it would strike what another one of the round strikes already."""
    targets = {strike.fault.target for strike in strikes}
    if "all" in (fault.target, *targets):
        return bool(targets & {*STAGES, "all"}) or (fault.target in STAGES and "all" in targets)
    return fault.target in targets
