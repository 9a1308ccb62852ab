"""The lists of a cluster's pods, ReplicaSets and Jobs, in pages, for the comparison with the truth.

An edge that takes any kubeconfig. It goes the plain way, through the kubernetes package's connections and full JSON objects, so that it
has nothing in common with how the watchers read. The package's typed client is left out: importing it takes longer than most
comparisons, and the image does not have it. An object is handed on as soon as its page is there: of a large cluster only one page
is in memory.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from kubernetes import config
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from common.errors import UsageError
from sandbox.truth import Truth, truth

PAGE_OBJECTS: Final = 500

TIMEOUT_SECONDS: Final = 60.0
"""For one page; a server that is starting or overloaded is slow."""

_PATHS: Final = {
    "pods": "/api/v1/pods",
    "replicasets": "/apis/apps/v1/replicasets",
    "jobs": "/apis/batch/v1/jobs",
}


class CannotList(Exception):
    """The API server did not give a list. Its text says which and why; asking again later may help."""


class Cluster:
    """A cluster that can be listed."""

    def __init__(self, *, kubeconfig: Path, context: str | None = None) -> None:
        """Raises UsageError for a kubeconfig that is of no use."""
        configuration = Configuration()
        try:
            config.load_kube_config(  # type: ignore[no-untyped-call]  # the kubernetes package has no types
                config_file=str(kubeconfig), context=context, client_configuration=configuration
            )
        except (ConfigException, YAMLError, OSError, ValueError) as error:
            raise UsageError(f"--kubeconfig {kubeconfig}: {' '.join(str(error).split())}") from error
        self._configuration = configuration
        self._http = RESTClientObject(configuration).pool_manager

    def truth(self) -> Truth:
        """What a reducer must hold, if the cluster is quiet meanwhile. Raises CannotList."""
        return truth(pods=self._objects("pods"), replicasets=self._objects("replicasets"), jobs=self._objects("jobs"))

    def _objects(self, what: str) -> Iterator[dict[str, Any]]:
        continue_ = None
        while True:
            page = self._page(what, continue_)
            yield from page.get("items") or ()
            continue_ = (page.get("metadata") or {}).get("continue")
            if not continue_:
                return

    def _page(self, what: str, continue_: str | None) -> dict[str, Any]:
        fields = {"limit": str(PAGE_OBJECTS)} | ({"continue": continue_} if continue_ else {})
        try:
            url = self._configuration.host + _PATHS[what]
            answer = self._http.request("GET", url, fields=fields, headers=self._headers(), timeout=TIMEOUT_SECONDS)
            if answer.status != 200:
                raise CannotList(f"listing {what}: the API server answers {answer.status} {answer.reason}")
            return msgspec.json.decode(answer.data, type=dict[str, Any])
        except (HTTPError, OSError, msgspec.DecodeError) as error:
            raise CannotList(f"listing {what}: {error}") from error

    def _headers(self) -> dict[str, str]:
        """The authorization, asked for anew each time: the package reads a rotated token again."""
        settings: Any = self._configuration.auth_settings()
        return {"Accept": "application/json"} | {one["key"]: one["value"] for one in settings.values()}
