"""The container engine and Compose, as a user calls them; and a stack of podwire's compose file under a name of its own.

`docker-compose` where it is there, else the `docker compose` of today: the files are to suit both.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE = "python:3.13-slim-trixie"
STAGES = ("watcher-pods", "watcher-replicasets", "watcher-jobs", "matcher", "relay")
SERVICES = (*STAGES, "cluster", "reducer")
COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
KUBECONFIG = "/run/podwire/kubeconfig"
"""Of the sandbox, in each of its containers."""


def have_engine() -> bool:
    """Whether there is an engine to talk to."""
    return shutil.which("docker") is not None and _run(["docker", "info"]).returncode == 0


def docker(*arguments: str) -> str:
    """What `docker ARGUMENTS` prints on its standard output. Fails with what it says on the other."""
    return _ran(["docker", *arguments]).stdout


def inspect(container: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", container))[0]
    return found


def in_image(image: str, *command: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs a program of the image, as little privileged as compose runs it."""
    locked = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "none"]
    return _run(["docker", "run", "--rm", *locked, *options, "--entrypoint", command[0], image, *command[1:]])


def until(look: Callable[[], object], *, seconds: float, what: Callable[[], str] | str) -> float:
    """Waits until it holds; gives after how many seconds it did."""
    begun = time.monotonic()
    while not look():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)
    return time.monotonic() - begun


@dataclass(frozen=True)
class Stack:
    """A compose project of this checkout."""

    project: str
    image: str
    files: tuple[Path, ...] = (ROOT / "compose.yaml",)
    variables: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = SERVICES

    def compose(self, *arguments: str) -> str:
        files = [word for file in self.files for word in ("-f", str(file))]
        mine = {name: value for name, value in os.environ.items() if not name.startswith(("PODWIRE_", "EBPF_NET_"))}
        command = [*COMPOSE, *files, "--project-directory", str(ROOT), "-p", self.project, *arguments]
        return _ran(command, mine | {"PODWIRE_IMAGE": self.image} | self.variables).stdout

    def up(self) -> None:
        self.compose("up", "-d", "--no-build")

    def down(self) -> None:
        self.compose("down", "--volumes", "--timeout", "10")

    def container(self, service: str) -> str:
        """The ID of the service's container."""
        label = f"label=com.docker.compose.project={self.project}"
        return docker("ps", "-aq", "--filter", label, "--filter", f"label=com.docker.compose.service={service}").strip()

    def state(self, service: str) -> dict[str, Any]:
        """What the engine says of the service's container."""
        found: dict[str, Any] = inspect(self.container(service))["State"]
        return found

    def started(self) -> dict[str, str]:
        """When each container was started."""
        return {service: self.state(service)["StartedAt"] for service in self.services}

    def unhealthy(self) -> list[str]:
        """The services whose containers are not (yet) healthy."""
        states = {service: self.state(service) for service in self.services}
        return [service for service, state in states.items() if state.get("Health", {}).get("Status") != "healthy"]

    def run(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a program in the service's container."""
        return _run(["docker", "exec", self.container(service), *command])

    def address(self, service: str, port: int) -> str:
        """Where a port of the service is, from this machine."""
        networks = inspect(self.container(service))["NetworkSettings"]["Networks"]
        return f"{next(iter(networks.values()))['IPAddress']}:{port}"

    def logs(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "60")

    def assert_in_step(self, *, by: str, seconds: float) -> None:
        """The reducer comes to hold what the cluster lists. `by` is the service whose container compares."""
        compare = ["podwire", "sandbox", "compare", "--kubeconfig", KUBECONFIG, "--reducer", "reducer:8001"]
        done = self.run(by, *compare, "--wait", str(seconds))
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.logs()}"

    def crash(self, service: str) -> None:
        """Ends the container's first process as a crash would: SIGKILL that the engine knows nothing of.

        `docker kill` is no crash: the engine takes it for somebody's wish and does not start the container again. SIGKILL from within
        does nothing to a first process. So it comes from a container that sees the machine's processes, as the same user.
        """
        found = inspect(self.container(service))
        kill = ["--entrypoint", "python", self.image, "-c", f"import os; os.kill({found['State']['Pid']}, 9)"]
        docker("run", "--rm", "--pid", "host", "--network", "none", "--user", found["Config"]["User"], *kill)


def _run(command: list[str], environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)


def _ran(command: list[str], environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    done = _run(command, environ)
    assert done.returncode == 0, (
        f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
    )
    return done
