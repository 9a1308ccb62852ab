"""The reference reducer as a process that can be killed and comes back where it was. What it has seen broken outlives it here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec

from bench import rig
from sandbox.reducer.held import HeldPod, PodsAnswer

ORDER_SECONDS = 20.0
"""A storm on two cores makes the reducer slow, not dead."""


class Reducer:
    """One reducer, in one life after the other."""

    def __init__(self, directory: Path) -> None:
        self.intake = "127.0.0.1:0"
        """Where it takes connections; with a real port once it has been started."""
        self.admin = "127.0.0.1:0"
        """Where its HTTP is."""
        self.lives = 0
        self._log = directory / "reducer.log"
        self._file = directory / "reducer.addresses"
        self._process: subprocess.Popen[bytes] | None = None
        self._breaches: list[str] = []

    def start(self) -> None:
        """A life begins; where it listens is the same in each."""
        self._file.unlink(missing_ok=True)
        arguments = ["--listen", self.intake, "--admin", self.admin, "--address-file", str(self._file)]
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "sandbox", "reducer", *arguments]
            self._process = subprocess.Popen(command, cwd=rig.ROOT, env=rig.environment(), stdout=log, stderr=log)
        rig.wait_for(self._file.exists, seconds=30, what="the reducer")
        found = json.loads(self._file.read_text())
        self.intake, self.admin = found["intake"], found["admin"]
        self.lives += 1

    def kill(self) -> None:
        """kill -9; what it has seen broken is read before."""
        assert self._process is not None
        with contextlib.suppress(OSError, HTTPException, ValueError):
            self._breaches += self._shown_breaches()
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def end(self) -> None:
        """Ends it, if it lives."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def order(self, path: str) -> None:
        """Sends one of `sandbox.reducer.admin`'s orders, as `/stall?seconds=3`."""
        request = urllib.request.Request(f"http://{self.admin}{path}", data=b"", method="POST")
        urllib.request.urlopen(request, timeout=ORDER_SECONDS).close()

    def get(self, path: str) -> Any:
        """JSON of its HTTP."""
        return rig.fetch(self.admin, path)

    def pods(self) -> list[HeldPod]:
        """What it holds."""
        return msgspec.convert(self.get("/pods"), PodsAnswer).pods

    def breaches(self) -> list[str]:
        """What was broken in all lives, in words."""
        return self._breaches + self._shown_breaches()

    def _shown_breaches(self) -> list[str]:
        found = self.get("/breaches")["breaches"]
        more = found["count"] - len(found["first"])
        words = [f"connection {one['connection']}, message {one['message']}: {one['what']}" for one in found["first"]]
        return words + ([f"and {more} more"] if more else [])


@contextmanager
def running_reducer(directory: Path) -> Iterator[Reducer]:
    """A reducer that has been started, and is ended."""
    reducer = Reducer(directory)
    reducer.start()
    try:
        yield reducer
    finally:
        reducer.end()
