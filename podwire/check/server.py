"""Is there a kubeconfig or a service account, and an API server that answers?"""

import time
from pathlib import Path
from typing import Any

from common.errors import UsageError
from podwire.ask import NoAnswer
from podwire.check.api import Api
from podwire.check.findings import Finding
from watcher import credentials
from watcher.credentials import Server
from watcher.settings import Settings


def read_server(settings: Settings) -> tuple[Server | None, Finding]:
    """The server that the settings name, and what is to be said of how they name it."""
    try:
        server = credentials.read(kubeconfig=settings.kubeconfig, context=settings.context)
    except UsageError as error:
        return None, Finding("kubeconfig", "problem", str(error), _contexts(settings))
    where = f"{settings.kubeconfig or '~/.kube/config'}, context {settings.context or _current(settings)}"
    in_pod = settings.kubeconfig is None and credentials.in_pod()
    return server, Finding(
        "kubeconfig", "ok", f"{'the service account of this Pod' if in_pod else where}: {server.authority}"
    )


def probe_server(api: Api) -> list[Finding]:
    """Whether it answers, and which version it is."""
    begun = time.monotonic()
    try:
        answer = api.get("/version")
    except NoAnswer as error:
        return [Finding("server", "problem", str(error), _mend(str(error)))]
    milliseconds = (time.monotonic() - begun) * 1_000
    if answer.status == 401:
        do = "the credentials are not, or no longer, valid: get new ones (kubectl meets the same)"
        return [Finding("server", "problem", f"it answers {answer.message}", do)]
    if answer.status != 200:
        # /version may be closed to this user, or to a proxy in between; what matters is asked for below.
        return [Finding("server", "note", f"it answers, but not to GET /version: {answer.message}")]
    version = str(answer.json.get("gitVersion") or "unknown")
    return [Finding("server", "ok", f"Kubernetes {version}, answers in {milliseconds:.0f} ms")]


def _mend(why: str) -> str:
    if "certificate" in why:
        return (
            "give the cluster in the kubeconfig the right certificate-authority, or the name that the certificate has"
        )
    if "looked up" in why:
        return "mend the server's name in the kubeconfig, or DNS here"
    return "is the API server up, and may this machine reach it? kubectl version meets the same"


def _contexts(settings: Settings) -> str:
    """Which contexts there are, where one is named that is not."""
    if not settings.context:
        return ""
    names = [str(one.get("name")) for one in _listed(settings)[0]]
    return f"its contexts: {', '.join(names)}" if names and settings.context not in names else ""


def _current(settings: Settings) -> str:
    active = _listed(settings)[1]
    return str(active.get("name", "?"))


def _listed(settings: Settings) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All contexts of the kubeconfig, and the current one."""
    from kubernetes import config

    path = str(Path(settings.kubeconfig or "~/.kube/config").expanduser())
    try:
        contexts, active = config.list_kube_config_contexts(config_file=path)  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 (whatever a broken file makes the package stumble over is told where it is read)
        return [], {}
    return contexts or [], active or {}
