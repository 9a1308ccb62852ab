"""Everything that chaos strikes, and the judgement over it: when podwire has recovered, whether it is exact, and what it broke.

Recovered: each of the five says that it is in sync, and the reducer is behind the cluster in nothing, while both move on. Exact: the
workload stands still, and what the reducer holds is what the cluster's lists say. No upstream invariant may be broken at any time.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from podwire.ask import NoAnswer, stage_state
from podwire.stages import STAGES
from tests.chaos.cluster import Cluster, SandboxCluster, differences
from tests.chaos.processes import STARTERS, Processes
from tests.chaos.reducer import Reducer, running_reducer
from tests.e2e.sandboxed import sandbox

EXACT_SECONDS = 10.0
"""From the moment at which a cluster in step stands still."""

ON_SANDBOX = ("--watch-silence", "4", "--streaming-lists", "always")
"""What watchers are told: bookmarks come every second here, so a watch that has fallen silent can be noticed soon. The sandbox speaks JSON,
in which streaming lists are not asked for otherwise; where it is told to have none, lists come in pages."""

POLL_SECONDS = 0.1


class Broken(Exception):
    """podwire did not keep a promise. The text says which, and what shows it."""


class Scene:
    """A cluster, a reducer, and podwire between them, which is yet to be started."""

    def __init__(self, directory: Path, *, cluster: Cluster, reducer: Reducer, watching: Sequence[str] = ()) -> None:
        """`watching` are options of the watchers. Logs go to `directory`."""
        self.cluster = cluster
        self.reducer = reducer
        self.run_dir = directory / "run"
        self.log = directory / "podwire.log"
        self._watching = watching

    def start(self, starter: str, *, order: Sequence[str] = STAGES) -> None:
        """Starts podwire in one of the ways of `STARTERS`."""
        made = STARTERS[starter](
            self.run_dir,
            log=self.log,
            kubeconfig=self.cluster.kubeconfig,
            intake=self.reducer.intake,
            watching=self._watching,
        )
        self.processes = Processes(self.run_dir, made)
        self.processes.begin(order)

    def recovered(self, *, since: float, within: float) -> float:
        """Waits until podwire has recovered; gives the seconds since that monotonic time. Raises Broken where it takes longer."""
        return self._until(lambda: self._not_ready() or differences(self.cluster, self.reducer), since, within)

    def assert_exact(self) -> None:
        """At rest the reducer holds what the cluster does, and nothing was broken on the way. Raises Broken."""
        with self.cluster.quiet():
            self._until(lambda: differences(self.cluster, self.reducer), time.monotonic(), EXACT_SECONDS)
        self.assert_unbroken()

    def assert_unbroken(self) -> None:
        """No invariant was broken, and nobody died by itself. Raises Broken or Died."""
        self.processes.living()
        breaches = self.reducer.breaches()
        if breaches:
            raise Broken("\n".join(["upstream invariants were broken:", *breaches[:10]]))

    def ready_state(self, stage: str) -> str | None:
        """Why the stage is not in sync, or None when it is."""
        try:
            reason: str | None = stage_state(self.run_dir, stage)["not_ready"]
        except NoAnswer as error:
            return str(error)
        return reason

    def _not_ready(self) -> list[str]:
        living = self.processes.living()
        missing = [f"{stage} is not there" for stage in STAGES if stage not in living]
        return missing or [f"{stage}: {why}" for stage in STAGES if (why := self.ready_state(stage)) is not None]

    def _until(self, wrong: Callable[[], list[str]], since: float, within: float) -> float:
        while True:
            found, seconds = wrong(), time.monotonic() - since
            if seconds > within:
                raise Broken(
                    "\n".join([f"not in step within {within:.0f} s:", *(found[:10] or [f"after {seconds:.1f} s"])])
                )
            if not found:
                return seconds
            time.sleep(POLL_SECONDS)


@contextmanager
def on_sandbox(directory: Path, *, pods: int = 300, rate: float = 100.0, seed: int = 1) -> Iterator[Scene]:
    """A scene on a sandbox with a moving workload."""
    with sandbox(directory, pods=pods, rate=rate, seed=seed) as api, running_reducer(directory) as reducer:
        yield Scene(directory, cluster=SandboxCluster(api), reducer=reducer, watching=ON_SANDBOX)


@contextmanager
def started(scene: Scene, starter: str, *, order: Sequence[str] = STAGES, within: float = 60.0) -> Iterator[float]:
    """podwire, until the context ends. Gives the seconds that it took to come into step."""
    began = time.monotonic()
    scene.start(starter, order=order)
    try:
        yield scene.recovered(since=began, within=within)
    finally:
        scene.processes.end()
