"""What the benchmarks share: an API server to ask, the reference reducer to tell, podwire between them, and what its processes cost.

The API server is, in this order: the cluster of `KUBECONFIG`; today's Kubernetes code where `../shared/apiserver` stands beside the
checkout (it is then filled with as many pods as asked for); else the sandbox's.
"""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "apiserver"
REAL = "Kubernetes' API server (shared/apiserver)"
STAGES = ("watcher-pods", "watcher-replicasets", "watcher-jobs", "matcher", "relay")


@dataclass(frozen=True)
class Cluster:
    """An API server with pods."""

    kubeconfig: str
    what: str
    server_pid: int | None
    """Of the API server's process, where it is ours to measure."""


@contextmanager
def cluster(pods: int) -> Iterator[Cluster]:
    """An API server that holds `pods` pods (with KUBECONFIG: whatever it holds)."""
    given = os.environ.get("KUBECONFIG")
    if given:
        yield Cluster(given, f"cluster of {given}", None)
    elif (SHARED / "up").exists():
        with real_cluster(pods) as real:
            yield real
    else:
        with sandbox_cluster(pods) as sandbox:
            yield sandbox


@contextmanager
def real_cluster(pods: int) -> Iterator[Cluster]:
    """Today's Kubernetes code, filled with `pods` pods."""
    with empty_real_cluster() as real:
        fill(real, pods, seed=1)
        yield real


@contextmanager
def empty_real_cluster() -> Iterator[Cluster]:
    """Today's Kubernetes code, for `fill`."""
    state = tempfile.mkdtemp(prefix="podwire-bench-")
    port = str(free_ports(3))
    try:
        up = subprocess.run(
            [SHARED / "up", state], env=environment(PORT=port), capture_output=True, text=True, check=True
        )
        yield Cluster(up.stdout.strip().splitlines()[-1], REAL, int(Path(state, "apiserver.pid").read_text()))
    finally:
        subprocess.run([SHARED / "down", state], check=True)


def fill(real: Cluster, pods: int, *, seed: int) -> None:
    """Writes so many more pods; each call of one server needs its own seed."""
    arguments = ["--kubeconfig", real.kubeconfig, "--pods", str(pods), "--seed", str(seed)]
    subprocess.run([sys.executable, SHARED / "fill", *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def sandbox_cluster(pods: int, *, rate: float = 0.0) -> Iterator[Cluster]:
    """The sandbox's API server with a workload of this size and rate."""
    with tempfile.TemporaryDirectory(prefix="podwire-bench-") as directory:
        kubeconfig = Path(directory, "kubeconfig")
        command = ["sandbox", "cluster", "--pods", str(pods), "--rate", str(rate), "--kubeconfig", str(kubeconfig)]
        with process(command) as server:
            wait_for(kubeconfig.exists, seconds=120, what="the sandbox's kubeconfig")
            yield Cluster(str(kubeconfig), "podwire's sandbox", server.pid)


def end_in_order() -> None:
    """Lets SIGTERM end this process as an error does: what it started ends with it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nobody listens on."""
    for first in range(21000, 29000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise RuntimeError("no free ports")


def environment(**added: str) -> dict[str, str]:
    """This process's, without what would tell podwire where to go or make it compile itself at each start, and with `added`."""
    left_out = ("PODWIRE_", "EBPF_NET_", "PYTHONDONTWRITEBYTECODE")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return mine | added


@contextmanager
def process(arguments: list[str], *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m ARGUMENTS`, ended with SIGTERM."""
    with program([sys.executable, "-m", *arguments], log=log) as started:
        yield started


@contextmanager
def program(command: list[str], *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A command of the checkout's root, ended with SIGTERM."""
    with Path(log or os.devnull).open("ab") as output:
        started = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output, stderr=output)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@dataclass(frozen=True)
class Reducer:
    """The running reference reducer."""

    address: str
    admin: str

    def get(self, path: str) -> Any:  # noqa: ANN401 (any JSON)
        """JSON of its HTTP."""
        return fetch(self.admin, path)

    def order(self, path: str) -> None:
        """Sends one of `sandbox.reducer.admin`'s orders, as `/stall?seconds=3`."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", data=b"", timeout=60):
            pass


@contextmanager
def reducer(*options: str, host: str = "127.0.0.1", port: int = 0, within: Sequence[str] = ()) -> Iterator[Reducer]:
    """A reference reducer with these options of its own; `within` is a command that runs its command line, as `ip netns exec NAME`."""
    with tempfile.TemporaryDirectory(prefix="podwire-bench-") as directory:
        file, log = Path(directory, "addresses.json"), Path(directory, "log")
        listen = ["--listen", f"{host}:{port}", "--admin", f"{host}:0", "--address-file", str(file)]
        with program([*within, sys.executable, "-m", "sandbox", "reducer", *listen, *options], log=log):
            wait_for(file.exists, seconds=60, what="the reducer's addresses")
            found = json.loads(file.read_text())
            yield Reducer(found["intake"], found["admin"])


def fetch(address: str, path: str) -> Any:  # noqa: ANN401 (any JSON)
    """JSON over HTTP."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as response:
        return json.load(response)


def wait_for(condition: Callable[[], object], *, seconds: float, what: str, every: float = 0.01) -> None:
    """Polls until the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)


def machine() -> str:
    """The machine in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    return f"{os.cpu_count()} cores, {model}, Linux {platform.release()}, Python {platform.python_version()}"
