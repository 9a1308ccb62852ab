"""A Pod's volumes on a machine without a kubelet: what the manifest names, with the owners and modes that a kubelet gives.

`emptyDir` in memory is a tmpfs that the engine holds; files (projected, Secrets) lie in a directory of the test. With fsGroup all belong to
that group, which may read what the owner may.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.containers.engine import docker
from tests.e2e.manifests import Kubectl

SIZES = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


class Volumes:
    """The volumes of one Pod object."""

    def __init__(self, pod: dict[str, Any], kubectl: Kubectl, directory: Path) -> None:
        self._meta = pod["metadata"]
        self._spec = pod["spec"]
        self._group = self._spec["securityContext"]["fsGroup"]
        self._kubectl = kubectl
        self._directory = directory
        self._in_memory: list[str] = []
        self._sources: dict[str, str] = {}

    def make(self) -> None:
        """Makes all of them."""
        for volume in self._spec["volumes"]:
            self._sources[volume["name"]] = self._made(dict(volume))

    def source(self, name: str) -> str:
        """What docker mounts."""
        return self._sources[name]

    def renew(self) -> None:
        """Brings files up to date, tokens too, as a kubelet does from time to time."""
        for volume in self._spec["volumes"]:
            if "emptyDir" not in volume:
                self._made(dict(volume))

    def remove(self) -> None:
        """Gives back what the engine holds."""
        for name in self._in_memory:
            docker("volume", "rm", name)

    def _made(self, volume: dict[str, Any]) -> str:
        name = volume.pop("name")
        ((kind, settings),) = volume.items()
        match kind:
            case "emptyDir":
                return self._tmpfs(name, **settings)
            case "projected":
                return self._project(self._directory / name, settings)
            case "secret":
                return self._secret(self._directory / name, **settings)
            case _:
                raise AssertionError(f"the volume {name} is a {kind}, which is not played here")

    def _tmpfs(self, name: str, *, medium: str, sizeLimit: str) -> str:  # noqa: N803 (the API's names)
        assert medium == "Memory"
        volume = f"{self._meta['name']}-{name}"
        options = f"o=size={int(sizeLimit[:-2]) * SIZES[sizeLimit[-2:]]},mode=2777,uid=0,gid={self._group}"
        docker("volume", "create", "--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", options, volume)
        self._in_memory.append(volume)
        return volume

    def _secret(self, directory: Path, *, secretName: str, defaultMode: int) -> str:  # noqa: N803 (the API's names)
        secret = self._kubectl.get("-n", self._meta["namespace"], "secret", secretName)
        self._write(directory, {key: base64.b64decode(text) for key, text in secret["data"].items()}, defaultMode)
        return str(directory)

    def _project(self, directory: Path, projected: dict[str, Any]) -> str:
        files = dict(pair for source in projected["sources"] for pair in self._projected(source))
        self._write(directory, files, projected["defaultMode"])
        return str(directory)

    def _projected(self, source: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        ((kind, settings),) = source.items()
        match kind:
            case "serviceAccountToken":
                yield settings["path"], self._token(settings["expirationSeconds"]).encode()
            case "configMap":
                data = self._kubectl.get("-n", self._meta["namespace"], "configmap", settings["name"])["data"]
                yield from ((item["path"], data[item["key"]].encode()) for item in settings["items"])
            case "downwardAPI":
                for item in settings["items"]:
                    assert item["fieldRef"]["fieldPath"] == "metadata.namespace"
                    yield item["path"], self._meta["namespace"].encode()
            case _:
                raise AssertionError(f"a {kind} is not projected here")

    def _token(self, expiration_seconds: int) -> str:
        """A token of the Pod's ServiceAccount, good for as long as the Pod object is there."""
        namespace = self._meta["namespace"]
        pod = {"apiVersion": "v1", "kind": "Pod", "name": self._meta["name"], "uid": self._meta["uid"]}
        asked = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": None, "expirationSeconds": expiration_seconds, "boundObjectRef": pod},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{self._spec['serviceAccountName']}/token"
        answer = json.loads(self._kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(asked)))
        token: str = answer["status"]["token"]
        return token

    def _write(self, directory: Path, files: dict[str, bytes], mode: int) -> None:
        directory.mkdir(exist_ok=True)
        os.chown(directory, 0, self._group)
        directory.chmod(0o750)
        for name, content in files.items():
            fresh = directory / f".{name}"
            fresh.write_bytes(content)
            os.chown(fresh, 0, self._group)
            fresh.chmod(mode | 0o040)
            fresh.rename(directory / name)
