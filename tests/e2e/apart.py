"""The five stages as processes of their own that meet on tcp:// with CURVE, each with only its own keys: what runs in five Pods."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import rig
from common.address import Address
from podwire.ask import NoAnswer, stage_state
from podwire.keys import make_files, write_files
from podwire.stages import STAGES
from tests.e2e.conftest import assert_in_step
from tests.e2e.sandboxed import Sandbox
from tests.fakes.ports import free_pair
from tests.fakes.processes import eventually

Process = subprocess.Popen[bytes]


@dataclass
class Apart:
    """Stages that have nothing in common but the network. Each has a run directory of its own, as in a Pod of its own."""

    sandbox: Sandbox
    reducer: rig.Reducer
    directory: Path
    addresses: dict[str, Address]
    relay_options: tuple[str, ...]
    processes: dict[str, Process] = field(default_factory=dict)
    _lives: ExitStack = field(default_factory=ExitStack)

    def start(self, stage: str) -> None:
        """A new life of a stage."""
        command = ["podwire", *self._command(stage), "--run-dir", str(self.directory / stage), "--log-format", "json"]
        command += ["--keys", str(self.directory / "keys" / stage)]
        self.processes[stage] = self._lives.enter_context(rig.process(command, log=self.log(stage)))

    def _command(self, stage: str) -> list[str]:
        listen = ["--listen", f"tcp://{self.addresses[stage]}"] if stage != "matcher" else []
        match stage:
            case "matcher":
                peers = [(f"--{one}", f"tcp://localhost:{at.port}") for one, at in self.addresses.items()]
                return ["match", *(word for pair in peers for word in pair)]
            case "relay":
                return ["relay", "--intake", self.reducer.address, *listen, *self.relay_options]
            case _:
                kind = stage.removeprefix("watcher-")
                return ["watch", kind, "--kubeconfig", str(self.sandbox.kubeconfig), *listen]

    def log(self, stage: str) -> Path:
        return self.directory / f"{stage}.log"

    def state(self, stage: str) -> dict[str, Any]:
        """The stage's /state and `not_ready`; empty while nobody answers."""
        try:
            return stage_state(self.directory / stage, stage)
        except NoAnswer:
            return {}

    def until_ready(self) -> None:
        for stage in STAGES:
            self.until(lambda stage=stage: self.state(stage).get("not_ready", "") is None, stage, "in sync")

    def until(self, condition: Any, stage: str, what: str) -> None:
        eventually(condition, log=self.log(stage), what=f"{stage}: {what}")

    def assert_in_step(self) -> None:
        """What has begun is finished; then the reducer comes to hold what the API server lists, and no invariant was broken."""
        self.sandbox.order("settle")
        self.until(lambda: self.sandbox.state()["workload"]["waiting"] == 0, "matcher", "a quiet workload")
        assert_in_step(str(self.sandbox.kubeconfig), self.reducer)

    def close(self) -> None:
        self._lives.close()


@contextmanager
def apart(sandbox: Sandbox, reducer: rig.Reducer, directory: Path, *relay_options: str) -> Iterator[Apart]:
    """All five, started at once in the order of their names. At the end none may have ended by itself."""
    write_files(directory / "keys", make_files())
    addresses: dict[str, Address] = {}
    while len(set(addresses.values())) < len(STAGES) - 1:
        addresses = {stage: free_pair() for stage in STAGES if stage != "matcher"}
    found = Apart(sandbox, reducer, directory, addresses, relay_options)
    try:
        for stage in STAGES:
            found.start(stage)
        yield found
        for stage, process in found.processes.items():
            assert process.poll() is None, found.log(stage).read_text()
    finally:
        found.close()
