"""`python -m sandbox compare`: its edges, the cluster's lists and the reducer's HTTP, over real sockets on loopback."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import click.testing
import pytest

from common.errors import UsageError
from sandbox.lists import CannotList, Cluster
from sandbox.reducer.compare_cli import command

POD = {"metadata": {"uid": "u", "name": "n", "namespace": "ns"}, "status": {"podIP": "10.0.0.1"}}
HELD = {
    "uid": "u", "ip": "10.0.0.1", "namespace": "ns", "name": "n", "owner_kind": "none", "owner_name": "n", "owner_uid": "",
    "version": "", "host_network": False, "containers": {},
}  # fmt: skip


class Server(ThreadingHTTPServer):
    """Answers GETs from a table: path and continue token → what to answer; a list is answered item by item, its last one for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        empty = {"items": None, "metadata": {}}
        self.answers: dict[tuple[str, str], list[Any]] = {
            ("/api/v1/pods", ""): [{"items": [POD], "metadata": {}}],
            ("/apis/apps/v1/replicasets", ""): [empty],
            ("/apis/batch/v1/jobs", ""): [empty],
            ("/pods", ""): [{"connection": 1, "epoch": 1, "pods": [HELD]}],
        }

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        answers = self.server.answers[url.path, parse_qs(url.query).get("continue", [""])[0]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        body = json.dumps(answer).encode() if isinstance(answer, dict) else b"{}"
        self.send_response(200 if isinstance(answer, dict) else answer)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def kubeconfig(server: Server, tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://{server.address}"}}],
        "users": [{"name": "u", "user": {}}],
    }
    file.write_text(json.dumps(config))
    return file


def compared(kubeconfig: Path, server: Server, *more: str) -> tuple[int, str]:
    result = click.testing.CliRunner().invoke(
        command, ["--kubeconfig", str(kubeconfig), "--reducer", server.address, *more], catch_exceptions=False
    )
    return result.exit_code, result.output


def test_an_equal_reducer_is_exit_code_0(kubeconfig: Path, server: Server) -> None:
    code, output = compared(kubeconfig, server)
    assert code == 0
    assert output.startswith("equal: 1 pods with an IP in the cluster")


def test_a_reducer_that_differs_is_exit_code_1_and_the_sentences(kubeconfig: Path, server: Server) -> None:
    server.answers["/pods", ""] = [{"connection": None, "epoch": None, "pods": []}]
    code, output = compared(kubeconfig, server)
    assert code == 1
    assert output.splitlines()[0] == "pod ns/n (u): is missing"
    assert output.splitlines()[1].startswith("1 differences: 1 pods")


def test_it_waits_until_both_are_equal(kubeconfig: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.reducer.compare_cli.POLL_SECONDS", 0.0)
    server.answers["/pods", ""].insert(0, {"connection": None, "epoch": None, "pods": []})
    server.answers["/apis/batch/v1/jobs", ""].insert(0, 500)
    assert compared(kubeconfig, server, "--wait", "60")[0] == 0


def test_a_reducer_that_is_not_there_is_told(kubeconfig: Path, server: Server) -> None:
    server.answers["/pods", ""] = [404]
    code, output = compared(kubeconfig, server)
    assert (code, output.startswith(f"asking the reducer at {server.address}: ")) == (1, True)


def test_pages_are_followed_to_the_end(kubeconfig: Path, server: Server) -> None:
    second = {"metadata": {"uid": "v"}, "status": {"podIP": "10.0.0.2"}}
    server.answers["/api/v1/pods", ""] = [{"items": [POD], "metadata": {"continue": "more"}}]
    server.answers["/api/v1/pods", "more"] = [{"items": [second], "metadata": {"continue": ""}}]
    assert list(Cluster(kubeconfig=kubeconfig).truth().pods) == ["u", "v"]


def test_owners_come_from_their_lists(kubeconfig: Path, server: Server) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "r", "controller": True}
    pod = {"metadata": {"uid": "u", "ownerReferences": [reference]}, "status": {"podIP": "10.0.0.1"}}
    above = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": True}
    replicaset = {"metadata": {"uid": "r", "ownerReferences": [above]}}
    server.answers["/api/v1/pods", ""] = [{"items": [pod], "metadata": {}}]
    server.answers["/apis/apps/v1/replicasets", ""] = [{"items": [replicaset], "metadata": {}}]
    assert Cluster(kubeconfig=kubeconfig).truth().pods["u"].owner_kind == "Deployment"


@pytest.mark.parametrize("status", [403, 410, 500])
def test_a_list_that_is_not_given_is_told_with_its_reason(kubeconfig: Path, server: Server, status: int) -> None:
    server.answers["/apis/apps/v1/replicasets", ""] = [status]
    with pytest.raises(CannotList, match=f"listing replicasets: the API server answers {status}"):
        Cluster(kubeconfig=kubeconfig).truth()


@pytest.mark.parametrize("text", ["", "{", "a: [", "current-context: missing\n"])
def test_a_kubeconfig_of_no_use_is_the_users_mistake(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(text)
    with pytest.raises(UsageError, match="--kubeconfig"):
        Cluster(kubeconfig=file)
    with pytest.raises(UsageError, match="--kubeconfig"):
        Cluster(kubeconfig=tmp_path / "missing")
