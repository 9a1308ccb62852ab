"""The lists of a cluster's pods, ReplicaSets and Jobs, in pages, for the comparison with the truth.

An edge that takes any kubeconfig. It goes the plain way, through the kubernetes package's client and full JSON objects, so that it
has nothing in common with how the watchers read. An object is handed on as soon as its page is there: of a large cluster only one page
is in memory.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError
from yaml import YAMLError

from common.errors import UsageError
from sandbox.truth import Truth, truth

PAGE_OBJECTS: Final = 500

TIMEOUT_SECONDS: Final = 60.0
"""For one page; a server that is starting or overloaded is slow."""


class CannotList(Exception):
    """The API server did not give a list. Its text says which and why; asking again later may help."""


class Cluster:
    """A cluster that can be listed."""

    def __init__(self, *, kubeconfig: Path, context: str | None = None) -> None:
        """Raises UsageError for a kubeconfig that is of no use."""
        try:
            # The kubernetes package has no types.
            api = config.new_client_from_config(config_file=str(kubeconfig), context=context)  # type: ignore[no-untyped-call]
        except (ConfigException, YAMLError, OSError, ValueError) as error:
            raise UsageError(f"--kubeconfig {kubeconfig}: {' '.join(str(error).split())}") from error
        self._pods = client.CoreV1Api(api).list_pod_for_all_namespaces
        self._replicasets = client.AppsV1Api(api).list_replica_set_for_all_namespaces
        self._jobs = client.BatchV1Api(api).list_job_for_all_namespaces

    def truth(self) -> Truth:
        """What a reducer must hold, if the cluster is quiet meanwhile. Raises CannotList."""
        return truth(
            pods=_objects(self._pods, "pods"),
            replicasets=_objects(self._replicasets, "replicasets"),
            jobs=_objects(self._jobs, "jobs"),
        )


def _objects(list_: Callable[..., Any], what: str) -> Iterator[dict[str, Any]]:
    continue_ = None
    while True:
        page = _page(list_, what, continue_)
        yield from page.get("items") or ()
        continue_ = (page.get("metadata") or {}).get("continue")
        if not continue_:
            return


def _page(list_: Callable[..., Any], what: str, continue_: str | None) -> dict[str, Any]:
    more = {"_continue": continue_} if continue_ else {}
    try:
        answer = list_(limit=PAGE_OBJECTS, _preload_content=False, _request_timeout=TIMEOUT_SECONDS, **more)
        return msgspec.json.decode(answer.data, type=dict[str, Any])
    except ApiException as error:
        raise CannotList(f"listing {what}: the API server answers {error.status} {error.reason}") from error
    except (HTTPError, OSError, msgspec.DecodeError) as error:
        raise CannotList(f"listing {what}: {error}") from error
