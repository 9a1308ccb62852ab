"""podwire itself, as the benchmarks run it: `podwire up` against an API server and a sink, and what its processes cost."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import rig, usage

SUPERVISOR = "supervisor"


class Costs(Protocol):
    """Processes whose CPU is counted."""

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each of the five, and of the supervisor."""
        ...


@dataclass(frozen=True)
class Pipeline:
    """A running `podwire up`."""

    supervisor: int
    """Its process."""
    began_ns: int
    """Wall-clock time at which it was started."""
    run_dir: Path

    def stages(self) -> dict[str, int]:
        """The PID of each of the five."""
        return {name: int((self.run_dir / f"{name}.pid").read_text()) for name in rig.STAGES}

    def cpu(self) -> dict[str, float]:
        """CPU seconds of each of the five, and of the supervisor with those of its children that have ended."""
        own = usage.cpu_seconds(self.supervisor) + usage.reaped_cpu_seconds(self.supervisor)
        return {name: usage.cpu_seconds(pid) for name, pid in self.stages().items()} | {SUPERVISOR: own}

    def pss_mb(self) -> dict[str, float]:
        """PSS of each of the five and of the supervisor."""
        return {name: usage.pss_mb(pid) for name, pid in (self.stages() | {SUPERVISOR: self.supervisor}).items()}

    def slack_mb(self) -> float:
        """How far each of the five once stood above what it holds now, summed: no common peak can have been higher."""
        return sum(most - now for now, most in map(usage.resident_mb, self.stages().values()))


def five(figures: dict[str, float]) -> float:
    """The sum without the supervisor."""
    return sum(value for name, value in figures.items() if name != SUPERVISOR)


def since(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What was used between the two."""
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


@contextmanager
def running(kubeconfig: str, intake: str, *options: str) -> Iterator[Pipeline]:
    """`podwire up` with these options of its own. Its log is shown when something fails."""
    with tempfile.TemporaryDirectory(prefix="podwire-bench-") as made:
        run_dir, log = Path(made, "run"), Path(made, "log")
        arguments = ["podwire", "up", "--kubeconfig", kubeconfig, "--intake", intake, "--run-dir", str(run_dir)]
        began_ns = time.time_ns()
        with rig.process([*arguments, *options], log=log) as up:
            try:
                yield Pipeline(up.pid, began_ns, run_dir)
            except BaseException:
                sys.stderr.write(log.read_text()[-4000:])
                raise
