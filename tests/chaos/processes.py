"""podwire's five processes as something to strike: under `podwire up`, or each started by hand, in any order.

Whoever starts them, they are found by their PID files. What is killed here has to come back; one that is another than it was,
and was not killed, has died by itself, which is a fault of podwire (`Died`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from bench import rig
from podwire.stages import STAGES
from tests.fakes.processes import gone, pid_in

END_SECONDS = 10.0


class Died(Exception):
    """A process that nobody killed is gone, or is another one."""


class Starter(Protocol):
    """Who starts the processes."""

    def begin(self, order: Sequence[str]) -> None:
        """Starts all five; in this order, where each is started by itself."""

    def revive(self, stage: str) -> None:
        """Sees to it that a stage that was killed comes back."""

    def end(self) -> None:
        """Ends all that runs."""

    def kill_all(self) -> None:
        """kill -9 of everything, whoever starts processes included."""


class ByUp:
    """`podwire up`."""

    def __init__(self, run_dir: Path, *, log: Path, options: Sequence[str]) -> None:
        self._arguments = ["podwire", "up", "--run-dir", str(run_dir), *options]
        self._log = log

    def begin(self, _order: Sequence[str]) -> None:
        self._process = _start(self._arguments, self._log)

    def revive(self, _stage: str) -> None:
        assert self._process.poll() is None, f"podwire up has ended; {self._log} says why"

    def end(self) -> None:
        _end(self._process)

    def kill_all(self) -> None:
        """The kernel kills the stages when the supervisor is gone."""
        self._process.kill()
        self._process.wait()


class ByHand:
    """Five commands."""

    def __init__(self, run_dir: Path, *, log: Path, watcher: Sequence[str], relay: Sequence[str]) -> None:
        """`watcher` and `relay` are the options of those stages."""
        self._common = ["--run-dir", str(run_dir), "--log-format", "json"]
        self._options = {"watcher": watcher, "matcher": (), "relay": relay}
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, order: Sequence[str]) -> None:
        for stage in order:
            self.revive(stage)

    def revive(self, stage: str) -> None:
        if stage in self._processes:
            self._processes[stage].wait(END_SECONDS)
        module, _, kind = stage.partition("-")
        command = [module, *([kind] if kind else []), *self._options[module], *self._common]
        self._processes[stage] = _start(command, self._log)

    def end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            _end(process)

    def kill_all(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()


class Processes:
    """The five, wherever they come from."""

    def __init__(self, run_dir: Path, starter: Starter) -> None:
        self._run_dir = run_dir
        self._starter = starter
        self._known: dict[str, int | None] = dict.fromkeys(STAGES)
        """None: has been killed, or not been seen yet."""
        self._stopped: dict[str, int] = {}

    def begin(self, order: Sequence[str] = STAGES) -> None:
        """Starts all."""
        self._starter.begin(order)

    def end(self) -> None:
        """Ends all, those that were stopped too."""
        for stage in list(self._stopped):
            self.go_on(stage)
        self._starter.end()

    def living(self) -> dict[str, int]:
        """The PID of each stage that lives. Raises Died."""
        for stage, known in self._known.items():
            found = pid_in(self._run_dir, stage)
            if known is not None and found != known:
                raise Died(f"{stage} was process {known}, and is {found or 'gone'}, though nobody killed it")
            self._known[stage] = found
        return {stage: pid for stage, pid in self._known.items() if pid is not None}

    def kill(self, stage: str) -> bool:
        """kill -9; it comes back. False where it does not live yet."""
        pid = self.living().get(stage)
        if pid is None:
            return False
        self._forget(stage)
        os.kill(pid, signal.SIGKILL)
        _until_gone([pid])
        self._starter.revive(stage)
        return True

    def kill_all(self, order: Sequence[str], *, before_start: Callable[[], None] = lambda: None) -> None:
        """kill -9 of everything at once; then all is started anew, in this order. `before_start` is called while nobody lives."""
        pids = self.living().values()
        for stage in STAGES:
            self._forget(stage)
        self._starter.kill_all()
        _until_gone(pids)
        before_start()
        self._starter.begin(order)

    def stop(self, stage: str) -> None:
        """SIGSTOP, if it lives."""
        pid = self.living().get(stage)
        if pid is not None:
            self._stopped[stage] = pid
            os.kill(pid, signal.SIGSTOP)

    def go_on(self, stage: str) -> None:
        """SIGCONT, unless it has been killed since."""
        pid = self._stopped.pop(stage, None)
        if pid is not None and self._known[stage] == pid:
            os.kill(pid, signal.SIGCONT)

    def _forget(self, stage: str) -> None:
        self._known[stage] = None
        self._stopped.pop(stage, None)


def by_up(run_dir: Path, *, log: Path, kubeconfig: Path, intake: str, watching: Sequence[str]) -> Starter:
    """`podwire up` between that cluster and that reducer; `watching` are options of the watchers."""
    options = ["--kubeconfig", str(kubeconfig), "--intake", intake, "--log-format", "json", *watching]
    return ByUp(run_dir, log=log, options=options)


def by_hand(run_dir: Path, *, log: Path, kubeconfig: Path, intake: str, watching: Sequence[str]) -> Starter:
    """Five commands between that cluster and that reducer."""
    watcher = ["--kubeconfig", str(kubeconfig), *watching]
    return ByHand(run_dir, log=log, watcher=watcher, relay=["--intake", intake])


STARTERS: dict[str, Callable[..., Starter]] = {"up": by_up, "hand": by_hand}
"""The ways to start podwire, by the name that people call them."""


def _start(arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        command = [sys.executable, "-m", *arguments]
        return subprocess.Popen(command, cwd=rig.ROOT, env=rig.environment(), stdout=output, stderr=output)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _until_gone(pids: Iterable[int]) -> None:
    until = time.monotonic() + END_SECONDS
    for pid in pids:
        while not gone(pid):
            assert time.monotonic() < until, f"process {pid} survives SIGKILL"
            time.sleep(0.002)
