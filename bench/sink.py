"""The reducer of the benchmarks: while something is measured it does no more than read, and note when; what came is decoded afterwards.

`python -m bench.sink` listens, prints its address as a line of JSON, and answers orders on standard input, one line of JSON each. Decoding
is the reference reducer's (`sandbox.reducer`), with the times at which the bytes were read in place of the clock: so nothing of its
cost is in any figure, and completeness and podwire's promises are checked all the same.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from bench import rig, two_containers
from bench.figures import reached_ns
from sandbox.reducer.ledger import Clock, Connection, Ledger

READ_BYTES = 1 << 20
QUIET_SECONDS = 0.5
QUIET_BYTES = 2_000
"""Heartbeats and the relay's own usage are less than this in `QUIET_SECONDS`."""

LONGEST_UNQUIET_SECONDS = 10.0
"""A cluster that moves is never quiet: it is looked at all the same."""

KEPT_ARRIVALS = 2_000_000


@dataclass(frozen=True)
class _Read:
    """What one read brought; no bytes: the connection has closed; None: it has opened."""

    wall_ns: int
    connection: int
    data: bytes | None


class _Intake:
    """Reads connections, one after the other, in a thread."""

    def __init__(self) -> None:
        self.reads: list[_Read] = []
        self.bytes = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: socket.socket | None = None
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def run(self) -> None:
        number = 0
        while True:
            client, _ = self._listening.accept()
            number += 1
            self._open = client
            self._note(number, None)
            with client:
                self._read(client, number)
            self._note(number, b"")

    def cut(self) -> None:
        if self._open is not None:
            self._open.shutdown(socket.SHUT_RDWR)

    def _read(self, client: socket.socket, number: int) -> None:
        try:
            while data := client.recv(READ_BYTES):
                self._note(number, data)
                self.bytes += len(data)
        except OSError:
            return

    def _note(self, number: int, data: bytes | None) -> None:
        self.reads.append(_Read(time.time_ns(), number, data))


class _Decoded:
    """The reference reducer's ledger, fed with what has been read so far."""

    def __init__(self) -> None:
        self._now_ns = 0
        self.ledger = Ledger(clock=Clock(lambda: self._now_ns / 1e9, lambda: self._now_ns), kept_arrivals=KEPT_ARRIVALS)
        self._connections: dict[int, Connection] = {}
        self._wire: dict[int, list[bytes]] = {}
        """What came on each."""

    def take(self, reads: list[_Read]) -> None:
        for read in reads:
            self._now_ns = read.wall_ns
            if read.data is None:
                self._connections[read.connection] = self.ledger.open("pipeline")
            elif read.data:
                self.ledger.receive(self._connections[read.connection], read.data)
                self._wire.setdefault(read.connection, []).append(read.data)
            else:
                self.ledger.close(self._connections[read.connection], "closed")

    def two_containers(self, connection: int) -> float:
        return two_containers.share(self._wire[connection])

    def state(self, reach: int) -> dict[str, Any]:
        live = self.ledger.live
        told = [row for row in self.ledger.journal.arrivals if row[2] in ("new", "container", "delete")]
        return {
            "pods": len(live.state.pods) if live else 0,
            "containers": live.state.containers if live else 0,
            "told_ns": told[-1][0] if told else 0,
            "reached_ns": reached_ns([row[:3] for row in self.ledger.journal.arrivals], reach),
            "opened_ns": live.opened_ns if live else 0,
            "wire_bytes": live.decoder.wire_bytes if live else 0,
            "plain_bytes": live.decoder.plain_bytes if live else 0,
            "connections": self.ledger.opened,
            "breaches": self.ledger.journal.breaches.count,
            "first_breaches": [one.what for one in self.ledger.journal.breaches.first[:3]],
        }


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Until `orders` end."""
    intake, decoded = _Intake(), _Decoded()
    threading.Thread(target=intake.run, daemon=True).start()
    _say(answers, {"address": intake.address})
    for line in orders:
        order = json.loads(line)
        match order["what"]:
            case "bytes":
                _say(answers, intake.bytes)
            case "cut":
                intake.cut()
                _say(answers, "cut")
            case "state":
                reads, intake.reads = intake.reads, []
                decoded.take(reads)
                _say(answers, decoded.state(order["reach"]))
            case "two_containers":
                _say(answers, decoded.two_containers(order["connection"]))
            case "arrivals":
                after = order["after_ns"]
                _say(answers, [row[:3] for row in decoded.ledger.journal.arrivals if row[0] >= after])


def _say(answers: IO[str], what: object) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


@dataclass(frozen=True)
class State:
    """What has come over the connection that is open, decoded."""

    pods: int
    containers: int
    told_ns: int
    """Wall-clock time of the read that brought the newest message about a pod."""
    reached_ns: int
    """Wall-clock time of the read that first completed the number of pods that was asked for."""
    opened_ns: int
    """Wall-clock time at which the connection came."""
    wire_bytes: int
    plain_bytes: int
    connections: int
    """That ever came."""
    breaches: int
    """Of protocol.md and of podwire's promises, over all connections."""
    first_breaches: list[str]


class Sink:
    """The running one."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        self._process = started
        self.address: str = self._answer()["address"]

    def bytes(self) -> int:
        """Bytes that have come, over all connections."""
        return int(self._ask("bytes"))

    def cut(self) -> None:
        """Closes the connection."""
        self._ask("cut")

    def state(self, *, reach: int = 1) -> State:
        """Decodes what has come: seconds of processor time for many pods."""
        return State(**self._ask("state", reach=reach))

    def arrivals(self, after_ns: int) -> list[tuple[int, str, str]]:
        """Wall-clock time of the read, UID, and what came (`new`, `container`, `delete`, `resync`), of what has been decoded."""
        return [(at, uid, kind) for at, uid, kind in self._ask("arrivals", after_ns=after_ns)]

    def two_containers(self, connection: int) -> float:
        """`bench.two_containers.share` of what has been decoded of a connection."""
        return float(self._ask("two_containers", connection=connection))

    def wait_for(self, pods: int, *, seconds: float, connections: int = 1) -> State:
        """Until it has that many pods. While much comes it seldom asks for a decoding, which takes a processor. Raises TimeoutError."""
        until = time.monotonic() + seconds
        next_look = time.monotonic() + LONGEST_UNQUIET_SECONDS
        while True:
            before = self.bytes()
            time.sleep(QUIET_SECONDS)
            quiet = self.bytes() - before < QUIET_BYTES
            if before and (quiet or time.monotonic() > next_look):
                next_look = time.monotonic() + LONGEST_UNQUIET_SECONDS
                state = self.state(reach=pods)
                if state.pods >= pods and state.connections >= connections:
                    return state
            if time.monotonic() > until:
                raise TimeoutError(f"{pods} pods did not come within {seconds:.0f} s: {self.state()}")

    def _ask(self, what: str, **more: object) -> Any:  # noqa: ANN401 (any JSON)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"what": what, **more}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:  # noqa: ANN401 (any JSON)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sink ended")
        return json.loads(line)


@contextmanager
def sink() -> Iterator[Sink]:
    """A process of its own."""
    command = [sys.executable, "-m", "bench.sink"]
    with subprocess.Popen(
        command, cwd=rig.ROOT, env=rig.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Sink(started)
        finally:
            started.terminate()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
