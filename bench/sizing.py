"""What each container of the Pod of deploy/ needs: memory and processor time while it starts, at rest, and under changes.

    python -m bench.sizing --pods 1000 --pods 10000 --image podwire:0.1.0

The three containers run on the Docker engine with this machine's network, against today's API server code (../shared/apiserver) and the
reference reducer. Memory is what a kubelet counts against the limit (the control group's, less file pages that nobody uses); the peak is
the control group's own, file pages included. The numbers of docs/operations.md and the requests and limits of deploy/ come from here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from bench import rig
from common.version import VERSION

COMMANDS = {
    "watcher": ("up", "--stage", "watcher-pods", "--stage", "watcher-replicasets", "--stage", "watcher-jobs"),
    "matcher": ("match",),
    "relay": ("relay",),
}

REST_SECONDS = 15.0
CHANGES_PER_SECOND = 100
CHANGES_SECONDS = 20

USER = 10001
MIB = 1024 * 1024


@dataclass(frozen=True)
class Used:
    """A container's control group at one moment."""

    at: float
    cpu_seconds: float
    working_bytes: int
    peak_bytes: int

    def cores_since(self, before: "Used") -> float:
        """Processor time per time."""
        return (self.cpu_seconds - before.cpu_seconds) / (self.at - before.at)


class Group:
    """The control group of a running container, of either version."""

    def __init__(self, container: str) -> None:
        pid = _docker("inspect", "--format", "{{.State.Pid}}", container)
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        paths = {
            controller: path
            for _, names, path in (line.split(":", 2) for line in lines)
            for controller in names.split(",")
        }
        root = Path("/sys/fs/cgroup")
        self._v1 = "memory" in paths
        self._memory = root / "memory" / paths["memory"][1:] if self._v1 else root / paths[""][1:]
        self._cpu = root / "cpuacct" / paths["cpuacct"][1:] if self._v1 else self._memory

    def used(self) -> Used:
        """Now."""
        inactive = self._statistic(self._memory / "memory.stat", "total_inactive_file" if self._v1 else "inactive_file")
        current = self._number("memory.usage_in_bytes" if self._v1 else "memory.current")
        peak = self._number("memory.max_usage_in_bytes" if self._v1 else "memory.peak")
        return Used(time.monotonic(), self._cpu_seconds(), current - inactive, peak)

    def _cpu_seconds(self) -> float:
        if self._v1:
            return int((self._cpu / "cpuacct.usage").read_text()) / 1e9
        return self._statistic(self._cpu / "cpu.stat", "usage_usec") / 1e6

    def _number(self, name: str) -> int:
        return int((self._memory / name).read_text())

    def _statistic(self, file: Path, name: str) -> int:
        return next(int(line.split()[1]) for line in file.read_text().splitlines() if line.split()[0] == name)


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def _containers(image: str, kubeconfig: Path, intake: str, admin: str) -> Iterator[dict[str, Group]]:
    """The Pod's three, with the kubeconfig in the place of a service account, and the watcher's admin at `admin`."""
    prefix = _prefix()
    _docker(
        "volume", "create", "--opt=type=tmpfs", "--opt=device=tmpfs", f"--opt=o=size=4m,mode=0700,uid={USER}", prefix
    )
    settings = {"PODWIRE_RUN_DIR": "/run/podwire", "PODWIRE_KUBECONFIG": "/rig/kubeconfig", "PODWIRE_INTAKE": intake}
    shared = [f"--volume={prefix}:/run/podwire:nocopy", f"--volume={kubeconfig.parent}:/rig:ro", "--network=host"]
    names = {name: f"{prefix}-{name}" for name in COMMANDS}
    try:
        for name, command in COMMANDS.items():
            own = {"PODWIRE_ADMIN": admin} if name == "watcher" else {}
            environment = [f"--env={key}={value}" for key, value in (settings | own).items()]
            _docker(
                "run",
                "--detach",
                f"--name={names[name]}",
                "--read-only",
                "--no-healthcheck",
                *shared,
                *environment,
                image,
                *command,
            )
        yield {name: Group(container) for name, container in names.items()}
    finally:
        _docker("rm", "--force", *names.values())
        _docker("volume", "rm", prefix)


@contextmanager
def _readable(kubeconfig: str) -> Iterator[Path]:
    """A copy with its authority, which the containers' user can read."""
    with tempfile.TemporaryDirectory(prefix="podwire-sizing-") as directory:
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = config["clusters"][0]["cluster"]
        shutil.copy(cluster["certificate-authority"], Path(directory, "ca.crt"))
        cluster["certificate-authority"] = "/rig/ca.crt"
        Path(directory, "kubeconfig").write_text(yaml.safe_dump(config))
        for path in (Path(directory), *Path(directory).iterdir()):
            path.chmod(0o755)
        yield Path(directory, "kubeconfig")


def _prefix() -> str:
    return f"podwire-sizing-{os.getpid()}"


def _probes(watcher: Group, admin: str) -> None:
    """What a probe of the watcher's container costs it, by a command and by HTTP: the two in milliseconds of processor time."""
    count = 20
    before = watcher.used()
    for _ in range(count):
        _docker("exec", f"{_prefix()}-watcher", "podwire", "healthcheck")
    by_command = watcher.used()
    for _ in range(count):
        with urllib.request.urlopen(f"http://{admin}/healthz", timeout=5) as answer:
            answer.read()
    by_http = watcher.used()
    costs = [1000 * (b.cpu_seconds - a.cpu_seconds) / count for a, b in ((before, by_command), (by_command, by_http))]
    click.echo(f"a probe by command: {costs[0]:.1f} ms, by HTTP: {costs[1]:.1f} ms")


def _size(pods: int, image: str) -> None:
    with rig.real_cluster(pods) as cluster, rig.reducer() as reducer, _readable(cluster.kubeconfig) as kubeconfig:
        admin = f"127.0.0.1:{rig.free_ports(5)}"
        with _containers(image, kubeconfig, reducer.address, admin) as groups:
            _measure(pods, cluster, reducer, groups, admin)


def _measure(pods: int, cluster: rig.Cluster, reducer: rig.Reducer, groups: dict[str, Group], admin: str) -> None:
    rig.wait_for(lambda: reducer.get("/state")["pods"] >= pods, seconds=300, what="all pods", every=0.05)
    time.sleep(2)
    synced = {name: group.used() for name, group in groups.items()}
    time.sleep(REST_SECONDS)
    rested = {name: group.used() for name, group in groups.items()}
    changes = [
        "--changes",
        str(CHANGES_PER_SECOND),
        "--seconds",
        str(CHANGES_SECONDS),
        "--seed",
        "2",
        "--pods",
        "0",
    ]
    fill = [sys.executable, str(rig.SHARED / "fill"), "--kubeconfig", cluster.kubeconfig, *changes]
    subprocess.run(fill, check=True, stdout=subprocess.DEVNULL)
    changed = {name: group.used() for name, group in groups.items()}
    _probes(groups["watcher"], admin)
    for name in groups:
        click.echo(
            f"| {pods:,} | {name} | {synced[name].working_bytes / MIB:.0f} | {changed[name].working_bytes / MIB:.0f} | "
            f"{changed[name].peak_bytes / MIB:.0f} | {synced[name].cpu_seconds:.2f} | "
            f"{1000 * rested[name].cores_since(synced[name]):.0f} | {1000 * changed[name].cores_since(rested[name]):.0f} |"
        )


@click.command()
@click.option("--pods", multiple=True, type=int, default=(1_000, 10_000, 20_000), help="Sizes of the cluster.")
@click.option("--image", default=f"podwire:{VERSION}", show_default=True)
def main(pods: tuple[int, ...], image: str) -> None:
    """Measures each size in turn."""
    rig.end_in_order()
    click.echo(f"{rig.machine()}; {image}")
    click.echo(
        "| pods | container | MiB in step | MiB after changes | MiB peak | s CPU to start | mcores at rest | mcores at 100/s |"
    )
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for count in pods:
        _size(count, image)


if __name__ == "__main__":
    main()
