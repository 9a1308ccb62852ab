"""The API server's audit log of podwire's ServiceAccount: what was asked for, and what was denied.

The control plane of shared/cluster comes up without one, so its API server is started again, as it was and with the audit's options.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bench import rig
from tests.e2e.conftest import CLUSTER
from tests.e2e.manifests import Kubectl

USER = "system:serviceaccount:podwire:podwire"


class Asked(NamedTuple):
    """One kind of request."""

    verb: str
    group: str
    resource: str


class AuditedServer:
    """The API server of a control plane, with an audit log."""

    def __init__(self, state: Path, kubectl: Kubectl) -> None:
        self._state = state
        self._kubectl = kubectl
        self._log = state / "audit.log"
        self._seen_bytes = 0
        policy = state / "audit-policy.yaml"
        rules = [{"level": "Metadata", "users": [USER]}, {"level": "None"}]
        policy.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
        running = Path(f"/proc/{self._pid()}/cmdline").read_bytes().decode().split("\0")[:-1]
        self._command = [*running, "--audit-policy-file", str(policy), "--audit-log-path", str(self._log)]
        self.start_again()

    def start_again(self) -> None:
        """Ends the server, which ends all watches, and starts it."""
        subprocess.run([CLUSTER / "apiserver", "stop", self._state], check=True)
        # As shared/cluster starts it: nobody's child, its PID where `apiserver` and `down` look for it.
        start = 'setsid "$@" >>apiserver.log 2>&1 & echo $! >apiserver.pid'
        subprocess.run(["bash", "-c", start, "-", *self._command], cwd=self._state, env=rig.environment(), check=True)
        rig.wait_for(self._is_ready, seconds=60, what="the API server", every=0.5)

    def forget(self) -> None:
        """Only what is asked from now on counts."""
        self._seen_bytes = self._log.stat().st_size

    def asked(self) -> set[Asked]:
        """What it has asked for."""
        return {asked for asked, _ in self._requests()}

    def denied(self) -> set[Asked]:
        """What of it was denied."""
        return {asked for asked, allowed in self._requests() if not allowed}

    def _requests(self) -> Iterator[tuple[Asked, bool]]:
        *lines, _unfinished = self._log.read_bytes()[self._seen_bytes :].split(b"\n")
        for event in map(json.loads, lines):
            if event["stage"] == "RequestReceived":
                continue
            reference: dict[str, Any] = event.get("objectRef", {"resource": event["requestURI"]})
            assert not {"name", "subresource"} & set(reference), event
            asked = Asked(event["verb"], reference.get("apiGroup", ""), reference["resource"])
            yield asked, event["annotations"]["authorization.k8s.io/decision"] == "allow"

    def _pid(self) -> str:
        return (self._state / "apiserver.pid").read_text().strip()

    def _is_ready(self) -> bool:
        try:
            return self._kubectl("get", "--raw", "/readyz") == "ok"
        except AssertionError:
            return False
