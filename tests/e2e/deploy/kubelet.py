"""Plays the kubelet for one Pod: its containers on a Docker engine as the Pod's spec says, its probes as they are declared.

What is in the spec and is not played here is an error, so that no field goes untested unnoticed.
"""

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from common.address import Address
from tests.containers.engine import docker, inspect
from tests.e2e.deploy.engine import logs_of, pid_of, succeeds
from tests.e2e.deploy.namespace import NetworkNamespace, Way
from tests.e2e.deploy.volumes import Volumes
from tests.e2e.manifests import Kubectl

PLAYED_OF_THE_POD = {"containers", "volumes", "securityContext", "serviceAccountName", "terminationGracePeriodSeconds"}
LEFT_OUT_OF_THE_POD = {
    "automountServiceAccountToken",  # false: what is mounted is in the volumes
    "enableServiceLinks",  # false: no variables are added
    "nodeName",
    "nodeSelector",
    "restartPolicy",
    "dnsPolicy",
    "schedulerName",
    "serviceAccount",
    "priority",
    "preemptionPolicy",
    "tolerations",
}
"""What is for the scheduler, what says that something is not done, and what the API server adds."""

PLAYED_OF_A_CONTAINER = {
    *("name", "image", "args", "env", "envFrom", "ports", "resources", "securityContext", "volumeMounts"),
    *("startupProbe", "livenessProbe", "readinessProbe"),
}
LEFT_OUT_OF_A_CONTAINER = {"imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"}

API_SERVER = Address("10.96.0.1", 443)
"""The Service `kubernetes`: its address is in the API server's certificate."""

Kind = Literal["startupProbe", "livenessProbe", "readinessProbe"]


class PlayedPod:
    """One Pod object of the API server, run here."""

    def __init__(self, pod: dict[str, Any], *, kubectl: Kubectl, image: str, directory: Path) -> None:
        self.name: str = pod["metadata"]["name"]
        self.ip: str = pod["status"]["podIP"]
        self._namespace: str = pod["metadata"]["namespace"]
        self._spec = pod["spec"]
        unknown = set(self._spec) - PLAYED_OF_THE_POD - LEFT_OUT_OF_THE_POD
        assert not unknown, f"the Pod has {unknown}, which is not played here"
        self._containers = {one["name"]: one for one in self._spec["containers"]}
        self._kubectl = kubectl
        self._image = image
        self.volumes = Volumes(pod, kubectl, directory)
        self._holder = f"{self.name}-holder"

    @property
    def containers(self) -> list[str]:
        """Their names in the Pod."""
        return list(self._containers)

    def start(self, *, reaches: dict[Address, Way], names: dict[str, str]) -> None:
        """Starts everything. `reaches` says which addresses the Pod can connect to, `names` which names it can look up."""
        self.volumes.make()
        # An entrypoint that waits: it holds the namespace, as a sandbox's pause container does.
        hosts = [f"--add-host={name}:{address}" for name, address in names.items()]
        alone = [f"--name={self._holder}", f"--hostname={self.name}", "--network=none", "--no-healthcheck", "--init"]
        wait = ["--entrypoint=python", self._image, "-c", "import signal; signal.pause()"]
        docker("run", "--detach", *alone, *hosts, *wait)
        self.network = NetworkNamespace(pid_of(self._holder))
        for host in {self.ip, *(address.host for address in reaches)}:
            self.network.add_address(host)
        for inside, outside in reaches.items():
            self.network.forward(inside, outside)
        for name in self._containers:
            self._run(name)

    def stop(self) -> dict[str, int]:
        """Ends the containers as a kubelet does, and gives their exit codes."""
        grace = self._spec["terminationGracePeriodSeconds"]
        docker("stop", "--time", str(grace), *map(self.container, self._containers))
        return {name: inspect(self.container(name))["State"]["ExitCode"] for name in self._containers}

    def remove(self) -> None:
        """Leaves nothing behind."""
        docker("rm", "--force", *map(self.container, self._containers), self._holder)
        self.network.close()
        self.volumes.remove()

    def restart(self, name: str) -> None:
        """A new container in the old one's place; the volumes stay."""
        docker("rm", "--force", self.container(name))
        self._run(name)

    def container(self, name: str) -> str:
        """What the engine calls it."""
        return f"{self.name}-{name}"

    def logs(self) -> str:
        """What all containers have written."""
        return "\n".join(f"--- {name}\n{logs_of(self.container(name))}" for name in self._containers)

    def probe(self, name: str, kind: Kind) -> tuple[bool, str]:
        """One attempt of a container's probe, and what it says."""
        container = self._containers[name]
        probe = container[kind]
        timeout = float(probe.get("timeoutSeconds", 1))
        if "exec" in probe:
            command = probe["exec"]["command"]
            return succeeds("exec", self.container(name), *command, timeout_seconds=timeout)
        return self._get(probe["httpGet"]["path"], _port(container, probe["httpGet"]["port"]), timeout)

    def wait_until_started(self) -> None:
        """Until every startup probe has succeeded; fails where a kubelet would have ended the container."""
        for name, container in self._containers.items():
            probe = container["startupProbe"]
            for _ in range(probe["failureThreshold"]):
                succeeded, said = self.probe(name, "startupProbe")
                if succeeded:
                    break
                time.sleep(probe["periodSeconds"])
            else:
                raise AssertionError(f"{name} does not start: {said}\n{self.logs()}")

    def wait_until_ready(self, *, seconds: float) -> None:
        """Until every readiness probe succeeds."""
        deadline = time.monotonic() + seconds
        while unready := self.unready():
            assert time.monotonic() < deadline, f"not ready after {seconds:.0f} s: {unready}\n{self.logs()}"
            time.sleep(0.2)

    def unready(self) -> dict[str, str]:
        """The containers that are not ready, and what their probes say."""
        said = {name: self.probe(name, "readinessProbe") for name in self._containers}
        return {name: text for name, (ready, text) in said.items() if not ready}

    def wait_until_it_says(self, port: int, path: str, what: str, *, seconds: float = 20.0) -> str:
        """The text that the Pod's address gives over HTTP, once it has `what` in it."""
        deadline = time.monotonic() + seconds
        while what not in (said := self._get(path, port, 5.0)[1]):
            assert time.monotonic() < deadline, f":{port}{path} says {said!r}, not {what!r}\n{self.logs()}"
            time.sleep(0.1)
        return said

    def _get(self, path: str, port: int, timeout: float) -> tuple[bool, str]:
        connection = http.client.HTTPConnection(self.ip, port, timeout=timeout)
        try:
            connection.sock = self.network.connect(Address(self.ip, port), timeout)
            connection.request("GET", path)
            response = connection.getresponse()
            return 200 <= response.status < 400, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return False, str(error)
        finally:
            connection.close()

    def _run(self, name: str) -> None:
        container = self._containers[name]
        unknown = set(container) - PLAYED_OF_A_CONTAINER - LEFT_OUT_OF_A_CONTAINER
        assert not unknown, f"the container {name} has {unknown}, which is not played here"
        docker(
            "run",
            "--detach",
            "--no-healthcheck",
            f"--name={self.container(name)}",
            f"--network=container:{self._holder}",
            *_confined(self._spec["securityContext"], container["securityContext"]),
            *_limited(container["resources"]),
            *(f"--env={key}={value}" for key, value in self._environment(container).items()),
            *(f"--volume={self.volumes.source(one['name'])}:{_mounted(one)}" for one in container["volumeMounts"]),
            self._image,
            *container["args"],
        )

    def _environment(self, container: dict[str, Any]) -> dict[str, str]:
        found = {"KUBERNETES_SERVICE_HOST": API_SERVER.host, "KUBERNETES_SERVICE_PORT": str(API_SERVER.port)}
        for source in container["envFrom"]:
            (name,) = [source["configMapRef"]["name"]]
            found |= self._kubectl.get("-n", self._namespace, "configmap", name)["data"]
        for variable in container["env"]:
            if "value" in variable:
                found[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found[match[1]], variable["value"])
            else:
                assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "status.podIP"
                found[variable["name"]] = self.ip
        return found


def _confined(of_pod: dict[str, Any], of_container: dict[str, Any]) -> Iterator[str]:
    assert of_pod["runAsNonRoot"]
    assert of_pod["runAsUser"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}  # the engine's default too
    assert set(of_pod) == {"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "seccompProfile"}
    assert of_container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    yield f"--user={of_pod['runAsUser']}:{of_pod['runAsGroup']}"
    yield f"--group-add={of_pod['fsGroup']}"
    yield from ("--security-opt=no-new-privileges", "--read-only", "--cap-drop=ALL")


def _limited(resources: dict[str, Any]) -> Iterator[str]:
    """Limits of memory; requests are for the scheduler."""
    ((resource, amount),) = resources["limits"].items()
    assert resource == "memory"
    yield f"--memory={amount.removesuffix('i').lower()}"
    yield f"--memory-swap={amount.removesuffix('i').lower()}"


def _mounted(mount: dict[str, Any]) -> str:
    # Unlike an engine, a kubelet puts nothing of the image into a new volume, not even owner and mode.
    return f"{mount['mountPath']}:{'ro' if mount.get('readOnly') else 'rw,nocopy'}"


def _port(container: dict[str, Any], port: str | int) -> int:
    if isinstance(port, int):
        return port
    (number,) = [one["containerPort"] for one in container["ports"] if one["name"] == port]
    return int(number)


@contextmanager
def played(pod: PlayedPod, *, reaches: dict[Address, Way], names: dict[str, str]) -> Iterator[PlayedPod]:
    """The Pod, running and started."""
    try:
        pod.start(reaches=reaches, names=names)
        pod.wait_until_started()
        yield pod
    finally:
        pod.remove()
