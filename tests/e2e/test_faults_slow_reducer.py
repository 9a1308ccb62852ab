"""A reducer that reads nothing for a minute, or 10 kB/s, under a storm of changes. See docs/faults.md."""

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from bench import rig
from common.clock import monotonic
from podwire.ask import ask, ask_json
from podwire.stages import STAGES
from tests.e2e.sandboxed import Running, between, sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

STORM_SECONDS = 60.0
EVENTS_A_SECOND = 800.0
ANSWERED_SECONDS = 0.1
"""Any /state, as a rule, on a machine that has nothing else to do."""
LAG_SECONDS = 2.0
"""How far behind its watcher the matcher may be seen on a busy machine."""

SMALL_BUFFER = ("--receive-buffer", "8192")
"""So that a reducer that is slow is felt at once, not after what the kernel would take in its place."""


@dataclass(frozen=True)
class Sample:
    """One look at all processes."""

    at: float
    published: int
    """The newest number of the pods' watcher."""
    taken: int
    """The newest that the matcher knows."""
    dirty: int
    pods: int
    live: int
    """Pods that the reducer will have been told of."""
    accepting: bool
    answered: dict[str, float]
    """How long each stage's /state took, in seconds."""


def look(podwire: Running) -> Sample:
    """Asks each stage; one whose loop does not turn fails the test."""
    states, answered = {}, {}
    for stage in STAGES:
        admin = (podwire.run_dir / f"{stage}.admin").read_text("ascii").strip()
        began_at = monotonic()
        states[stage] = ask_json(admin, "/state")
        answered[stage] = monotonic() - began_at
        assert ask(admin, "/healthz") == b"alive\n", stage
    matcher = states["matcher"]
    return Sample(
        at=monotonic(),
        published=states["watcher-pods"]["sequence"],
        taken=matcher["watchers"]["pods"]["sequence"],
        dirty=matcher["pods"]["dirty"],
        pods=matcher["pods"]["known"],
        live=matcher["pods"]["live"],
        accepting=states["relay"]["link"]["accepting"],
        answered=answered,
    )


def watch(podwire: Running, *, seconds: float) -> list[Sample]:
    """A look every quarter of a second."""
    samples, until = [look(podwire)], monotonic() + seconds
    while monotonic() < until:
        rig.wait_for(lambda: monotonic() >= samples[-1].at + 0.25, seconds=5, what="the next look")
        samples.append(look(podwire))
    return samples


def slowed_down() -> float:
    """How many times longer anything takes because others want the processors too. Up to two processes to a core are the scenario's own."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1.0)


def assert_nobody_blocks(samples: list[Sample]) -> None:
    """Every /state is answered soon, and the matcher keeps up with its watcher, whose store changes all the time."""
    for stage in STAGES:
        answered = [one.answered[stage] for one in samples]
        assert median(answered) < ANSWERED_SECONDS * slowed_down(), stage
        assert max(answered) < LAG_SECONDS, stage
    for one in samples:
        assert one.taken >= max((b.published for b in samples if b.at <= one.at - LAG_SECONDS), default=0)
    assert samples[-1].taken - samples[0].taken > STORM_SECONDS
    # What waits is an entry for each pod that there is, or that the reducer has to forget, never one for each change.
    assert all(one.dirty <= one.pods + one.live for one in samples)


def changes(podwire: Running) -> int:
    """What the pods' watcher has published so far: pods that are new, changed or deleted."""
    events = podwire.scope("pods")["events"]
    return int(events["changed"] + events["deleted"])


def emissions(podwire: Running) -> int:
    return int(podwire.state("matcher")["emissions"]["sent"])


@pytest.mark.parametrize("pace", ["stall?seconds=60", "rate?bytes_per_second=10000"])
def test_a_reducer_that_hardly_reads_blocks_nobody(pace: str, tmp_path: Path) -> None:
    """All loops turn and answer, changes coalesce in the matcher, the connection stays, and in the end all is exact."""
    with (
        rig.reducer(*SMALL_BUFFER) as reducer,
        sandbox(tmp_path, rate=EVENTS_A_SECOND) as api,
        between(api, reducer, tmp_path) as podwire,
    ):
        podwire.until_ready()
        changed, emitted = changes(podwire), emissions(podwire)
        reducer.order(f"/{pace}")
        samples = watch(podwire, seconds=STORM_SECONDS)
        assert not all(one.accepting for one in samples), "the reducer was not slow enough to be felt"
        assert_nobody_blocks(samples)
        podwire.assert_in_step()
        assert emissions(podwire) - emitted < changes(podwire) - changed
        assert reducer.get("/state")["connections_opened"] == 1
        assert podwire.state("matcher")["epoch"]["number"] == reducer.get("/state")["epoch"]
