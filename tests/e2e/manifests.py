"""What the end-to-end test on a complete control plane puts into it: every kind of owner that a pod can have."""

import json
import subprocess
from typing import Any

NAMESPACES = [f"team-{number}" for number in range(5)]


def container(name: str, image: str) -> dict[str, Any]:
    return {"name": name, "image": image}


def template(app: str, **spec: Any) -> dict[str, Any]:
    containers = [container("app", f"registry.example/{app}:1"), container("proxy", "registry.example/proxy:2")]
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers, **spec}}


def deployment(name: str, replicas: int, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}},
            "template": template(name, **spec),
        },
    }


def replica_set(name: str, replicas: int) -> dict[str, Any]:
    found = deployment(name, replicas)
    del found["spec"]["strategy"]
    return found | {"kind": "ReplicaSet"}


def stateful_set(name: str, replicas: int) -> dict[str, Any]:
    found = deployment(name, replicas)
    del found["spec"]["strategy"]
    found["spec"] |= {"serviceName": name, "podManagementPolicy": "Parallel"}
    return found | {"kind": "StatefulSet"}


def job(name: str, completions: int) -> dict[str, Any]:
    pod = template(name, restartPolicy="Never")
    spec = {"completions": completions, "parallelism": completions, "template": pod}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def cron_job(name: str) -> dict[str, Any]:
    spec = {"template": template(name, restartPolicy="Never"), "completions": 2, "parallelism": 2}
    return {
        "apiVersion": "batch/v1beta1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": spec}},
    }


def pod(name: str, **spec: Any) -> dict[str, Any]:
    found = template(name, **spec)
    found["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **found}


def everything(replicas: int) -> list[dict[str, Any]]:
    """One namespace's objects: `replicas` pods in each of three Deployments, and some of every other kind."""
    init = [container("prepare", "registry.example/prepare:1")]
    return [
        deployment("web", replicas),
        deployment("prepared", replicas, initContainers=init),
        deployment("on-host", replicas, hostNetwork=True),
        stateful_set("store", 10),
        job("once", 5),
        cron_job("every-minute"),
        replica_set("orphan", 5),
        *(pod(f"bare-{number}") for number in range(3)),
    ]


class Kubectl:
    """kubectl on one cluster."""

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        command = ["kubectl", "--kubeconfig", self._kubeconfig, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, namespace: str, objects: list[dict[str, Any]]) -> None:
        self(
            "-n",
            namespace,
            "apply",
            "-f",
            "-",
            stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
        )

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))
