"""The servers that the contract tests run against: the sandbox always, and those that KUBECONFIG names."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api import Api, Room

SANDBOX = "sandbox"
SANDBOX_OLD = "sandbox without streaming lists"
DIFFERENT = ("test_streaming", "test_bookmarks", "test_metadata", "test_lists")
"""Modules whose answers differ without streaming lists; the rest runs against one sandbox only."""
NAMED = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "api" in metafunc.fixturenames:
        old = [SANDBOX_OLD] if metafunc.module.__name__.rpartition(".")[2] in DIFFERENT else []
        metafunc.parametrize("api", [SANDBOX, *old, *NAMED], indirect=True, scope="session")


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    if request.param not in (SANDBOX, SANDBOX_OLD):
        real = Api(Path(request.param))
        yield real
        real.close()
        return
    directory = tmp_path_factory.mktemp("sandbox")
    kubeconfig = directory / "kubeconfig"
    options = ["--no-streaming"] if request.param == SANDBOX_OLD else []
    command = [sys.executable, "-m", "sandbox", "cluster", "--kubeconfig", str(kubeconfig), *options]
    with (directory / "log").open("w") as log:
        process = subprocess.Popen([*command, "--pods", "30", "--rate", "10", "--seed", "7"], stderr=log)
        try:
            sandbox = _connect(kubeconfig, process)
            yield sandbox
            sandbox.close()
        finally:
            process.terminate()
            process.wait(timeout=10)


def _connect(kubeconfig: Path, process: subprocess.Popen[bytes]) -> Api:
    while not kubeconfig.exists():
        assert process.poll() is None, "the sandbox ended before it served"
        time.sleep(0.02)
    api = Api(kubeconfig, bookmark_watch_seconds=3)
    api.make_old = lambda: _order(api, "compact")
    return api


def _order(api: Api, order: str) -> None:
    assert api.call("POST", "/sandbox/orders", body={"order": order}).status == 200


@pytest.fixture
def room(api: Api) -> Iterator[Room]:
    """A namespace of the test's own."""
    made = Room(api)
    made.open()
    yield made
    made.close()
