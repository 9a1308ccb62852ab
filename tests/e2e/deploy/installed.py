"""What `kubectl apply -k` makes of a directory of deploy/, with its Pods played."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench import rig
from common.address import Address, parse_address
from tests.e2e.conftest import assert_in_step
from tests.e2e.deploy.kubelet import API_SERVER, PlayedPod, played
from tests.e2e.deploy.namespace import Way, to_this_machine
from tests.e2e.deploy.rendered import Manifest, only, rendered
from tests.e2e.manifests import Kubectl

INTAKE = "10.96.0.2"
"""Where Pods find the intake's name."""


class Installed:
    """An installation that runs."""

    def __init__(self, kubeconfig: str, reducer: rig.Reducer, pods: Mapping[str, PlayedPod]) -> None:
        self._kubeconfig = kubeconfig
        self._reducer = reducer
        self.pods = pods
        """By their `app.kubernetes.io/component`."""

    @property
    def pod(self) -> PlayedPod:
        """The only one."""
        (found,) = self.pods.values()
        return found

    def wait_until_ready(self) -> None:
        """Until all Pods are."""
        for one in self.pods.values():
            one.wait_until_ready(seconds=60)

    def assert_in_step(self) -> None:
        """The reducer comes to hold what the cluster holds, these Pods too."""
        assert_in_step(self._kubeconfig, self._reducer)


@contextmanager
def installed(
    directory: str, *, image: str, kubeconfig: str, reducer: rig.Reducer, volumes: Path
) -> Iterator[Installed]:
    """Applies deploy/DIRECTORY, runs its Pods until they are ready, and deletes all in the end."""
    kubectl = Kubectl(kubeconfig)
    manifests = rendered(directory)
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    running: dict[str, PlayedPod] = {}
    try:
        kubectl("apply", "-f", "-", stdin=text)
        places = [_api_server(kubeconfig), _intake(manifests, reducer), *_services(kubectl, manifests, running)]
        with ExitStack() as stack:
            for component, pod in _pods(kubectl, manifests).items():
                place = volumes / component
                place.mkdir()
                one = PlayedPod(pod, kubectl=kubectl, image=image, directory=place)
                names = {place.name: place.host for place in places}
                reaches = {Address(place.host, port): way for place in places for port, way in place.ways.items()}
                running[component] = stack.enter_context(played(one, reaches=reaches, names=names))
            found = Installed(kubeconfig, reducer, running)
            found.wait_until_ready()
            yield found
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


@dataclass(frozen=True)
class Place:
    """What Pods can connect to: a name, its address, and where each port leads."""

    name: str
    host: str
    ways: dict[int, Way]


def _api_server(kubeconfig: str) -> Place:
    url = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    way = to_this_machine(url.removeprefix("https://"))
    return Place("kubernetes.default.svc", API_SERVER.host, {API_SERVER.port: way})


def _intake(manifests: list[Manifest], reducer: rig.Reducer) -> Place:
    """The reducer, by the name that the ConfigMap has for it."""
    intake = parse_address(only(manifests, "ConfigMap")["data"]["PODWIRE_INTAKE"], option="PODWIRE_INTAKE")
    return Place(intake.host, INTAKE, {intake.port: to_this_machine(reducer.address)})


def _services(kubectl: Kubectl, manifests: list[Manifest], running: Mapping[str, PlayedPod]) -> Iterator[Place]:
    """What kube-proxy makes of Services: their addresses lead to the Pods that they select, once these run."""
    for service in manifests:
        if service["kind"] == "Service":
            name = service["metadata"]["name"]
            spec = kubectl.get("-n", "podwire", "service", name)["spec"]
            component = spec["selector"]["app.kubernetes.io/component"]
            ports = [port["port"] for port in spec["ports"]]
            yield Place(name, spec["clusterIP"], {port: partial(_into, running, component, port) for port in ports})


def _into(running: Mapping[str, PlayedPod], component: str, port: int) -> socket.socket:
    if component not in running:
        raise ConnectionRefusedError(f"no Pod of {component} runs yet")
    pod = running[component]
    return pod.network.connect(Address(pod.ip, port), timeout_seconds=5.0)


def _pods(kubectl: Kubectl, manifests: list[Manifest]) -> dict[str, dict[str, Any]]:
    """The Pod objects that controllers made of the Deployments, with addresses."""
    count = sum(one["spec"]["replicas"] for one in manifests if one["kind"] == "Deployment")

    def found() -> list[dict[str, Any]]:
        listed = kubectl.get("-n", "podwire", "pods")["items"]
        return [one for one in listed if one["status"].get("podIP")]

    rig.wait_for(lambda: len(found()) == count, seconds=60, what=f"{count} Pods of podwire", every=0.2)
    return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one for one in found()}
