"""The reference reducer as a process that can be killed and comes back where it was. What it has seen broken outlives it here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench import rig
from sandbox.reducer.held import HeldPod, PodsAnswer
from tests.chaos.http import GONE, fetch, post

_decode_pods = msgspec.json.Decoder(PodsAnswer).decode


class Reducer:
    """One reducer, in one life after the other. `start` it, `stop` it."""

    def __init__(
        self, directory: Path, *, host: str = "127.0.0.1", within: Sequence[str] = (), options: Sequence[str] = ()
    ) -> None:
        """`within` is a command that runs its command line, as `ip netns exec NAME`; `options` are the reducer's own."""
        self.intake = f"{host}:0"
        """Where it takes connections; with a real port once it has been started."""
        self.admin = f"{host}:0"
        """Where its HTTP is."""
        self.log = directory / "reducer.log"
        self._file = directory / "reducer.addresses"
        self._within = within
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._breaches: list[str] = []

    def start(self) -> None:
        """A life begins; where it listens is the same in each."""
        self._file.unlink(missing_ok=True)
        arguments = ["--listen", self.intake, "--admin", self.admin, "--address-file", str(self._file), *self._options]
        command = [*self._within, sys.executable, "-m", "sandbox", "reducer", *arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=rig.ROOT, env=rig.environment(), stdout=log, stderr=log)
        rig.wait_for(self._file.exists, seconds=30, what="the reducer")
        found = json.loads(self._file.read_text())
        self.intake, self.admin, self.pid = found["intake"], found["admin"], found["pid"]

    def kill(self) -> None:
        """kill -9; what it has seen broken is read before."""
        assert self._process is not None
        with contextlib.suppress(*GONE):
            self._breaches += self._shown_breaches()
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self) -> None:
        """Ends it, if it lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def order(self, path: str) -> None:
        """Sends one of `sandbox.reducer.admin`'s orders, as `/stall?seconds=3`."""
        post(self.admin, path)

    def state(self) -> dict[str, Any]:
        """Its /state. Raises one of `GONE`."""
        state: dict[str, Any] = json.loads(fetch(self.admin, "/state"))
        return state

    def pods(self) -> list[HeldPod]:
        """What it holds. Raises one of `GONE`."""
        return _decode_pods(fetch(self.admin, "/pods")).pods

    def breaches(self) -> list[str]:
        """What was broken in all lives, in words. Raises one of `GONE`."""
        return self._breaches + self._shown_breaches()

    def _shown_breaches(self) -> list[str]:
        found = json.loads(fetch(self.admin, "/breaches"))["breaches"]
        more = found["count"] - len(found["first"])
        words = [f"connection {one['connection']}, message {one['message']}: {one['what']}" for one in found["first"]]
        return words + ([f"and {more} more"] if more else [])
