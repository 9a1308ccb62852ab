"""`podwire healthcheck`: what runs in this container is asked, and nothing else."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.admin import open_admin
from common.place import claim
from podwire.healthcheck import command
from podwire.probe import Unwell, ask, runs_here

ROOT = Path(__file__).parents[2]


class FakeView:
    """A stage that is in sync or not."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason

    def state(self) -> dict[str, Any]:
        return {}

    def not_ready(self) -> str | None:
        return self.reason

    def metrics(self) -> list[Any]:
        return []


@contextmanager
def stage(name: str, run_dir: Path, *, reason: str | None = None, listen: str = "127.0.0.1:0") -> Iterator[None]:
    """A stage that this process runs."""
    with claim(run_dir, name):
        admin = open_admin(stage=name, run_dir=run_dir, listen=listen, view=FakeView(reason))
        yield
        admin.close()


def healthcheck(run_dir: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--run-dir", str(run_dir), *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_a_stage_that_is_alive_is_well_though_it_is_not_in_sync(tmp_path: Path) -> None:
    with stage("relay", tmp_path, reason="not connected to r:8000"):
        assert healthcheck(tmp_path) == (0, "alive: relay\n")
        assert healthcheck(tmp_path, "--ready") == (1, "relay: not connected to r:8000\n")


def test_all_stages_that_run_here_are_asked_and_the_line_names_those_that_are_unwell(tmp_path: Path) -> None:
    with stage("matcher", tmp_path), stage("relay", tmp_path, reason="not connected"):
        assert healthcheck(tmp_path) == (0, "alive: matcher, relay\n")
        assert healthcheck(tmp_path, "--ready") == (1, "relay: not connected\n")
        assert healthcheck(tmp_path, "--ready", "matcher") == (0, "ready: matcher\n")


def test_where_nothing_runs_is_nothing_well(tmp_path: Path) -> None:
    code, line = healthcheck(tmp_path)
    assert (code, line.count("\n")) == (1, 1)
    assert str(tmp_path) in line


def test_a_stage_of_another_container_is_not_asked(tmp_path: Path) -> None:
    """If the run directory is shared, then another container's stage counts neither as well nor as unwell here.

    Its process has a PID that is somebody else's here: this test's own parent stands for it, which does not hold the place.
    """
    with stage("relay", tmp_path), stage("matcher", tmp_path, reason="another container's"):
        (tmp_path / "matcher.pid").write_text(f"{os.getppid()}\n")
        assert not runs_here(str(tmp_path), "matcher")
        assert healthcheck(tmp_path, "--ready") == (0, "ready: relay\n")
        code, line = healthcheck(tmp_path, "relay", "matcher")
        assert code == 1
        assert line == f"matcher does not run here with the run directory {tmp_path}\n"


def test_descriptors_that_come_and_go_do_not_hide_a_stage(tmp_path: Path) -> None:
    """If the stage opens and closes files while it is looked for, then it is found all the same."""
    ended = threading.Event()

    def open_and_close() -> None:
        while not ended.is_set():
            with socket.socket(), socket.socket():
                pass

    thread = threading.Thread(target=open_and_close)
    before = [socket.socket() for _ in range(5)]  # what comes and goes is to be met before the place's own descriptor
    with stage("relay", tmp_path):
        for one in before:
            one.close()
        thread.start()
        found = [runs_here(str(tmp_path), "relay") for _ in range(300)]
        ended.set()
        thread.join()
    assert all(found)


def test_what_a_killed_stage_left_is_no_stage(tmp_path: Path) -> None:
    with stage("relay", tmp_path):
        left = {name: (tmp_path / name).read_text() for name in ("relay.pid", "relay.admin")}
    for name, text in left.items():
        (tmp_path / name).write_text(text)
    assert healthcheck(tmp_path)[0] == 1


@pytest.mark.parametrize("left", ["", "nonsense", "\x00", "-1", "99999999999999999999"])
def test_a_place_that_names_no_process_is_held_by_nobody_here(tmp_path: Path, left: str) -> None:
    (tmp_path / "relay.pid").write_text(left)
    assert not runs_here(str(tmp_path), "relay")


def test_a_stage_without_admin_cannot_be_asked(tmp_path: Path) -> None:
    with stage("relay", tmp_path, listen="off"):
        assert healthcheck(tmp_path, "relay") == (1, "relay has no admin HTTP (yet, or --admin off)\n")


def test_an_address_is_asked_without_a_run_directory(tmp_path: Path) -> None:
    with stage("relay", tmp_path):
        address = (tmp_path / "relay.admin").read_text().strip()
        assert healthcheck(tmp_path / "none", address) == (0, f"alive: {address}\n")
        with pytest.raises(Unwell, match="here are"):
            ask(address, "/nowhere", run_dir=str(tmp_path))


def test_who_does_not_answer_is_unwell(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
    code, line = healthcheck(tmp_path, address)
    assert (code, line.count("\n")) == (1, 1)
    assert line.startswith(f"{address} does not answer: ")


@pytest.mark.parametrize(
    "answer", [b"", b"\r\n\r\n", b"SSH-2.0-x\r\n", b"\xff" * 9_000, b"HTTP/1.1 503 No\r\n\r\nstuck\n", b"HTTP/1.1"]
)
def test_only_http_200_is_well(tmp_path: Path, answer: bytes) -> None:
    """Whatever answers at an address, the check ends with a line and not with an error."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        code, line = healthcheck(tmp_path, f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert (code, line.count("\n")) == (1, 1)


def in_a_process(run_dir: Path, *arguments: str, with_variable: bool) -> tuple[int, str, set[str]]:
    """Exit code and output of `podwire healthcheck ARGUMENTS`, and the modules that it imported."""
    script = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from podwire.entry import main; main()"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PODWIRE_")}
    if with_variable:
        environ["PODWIRE_RUN_DIR"] = str(run_dir)
    command_line = [sys.executable, "-c", script, "healthcheck", *arguments]
    ran = subprocess.run(command_line, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, set(ran.stderr.split())


def test_a_probe_imports_neither_the_command_line_nor_the_stages(tmp_path: Path) -> None:
    """If the run directory comes by its variable, as in the image, then the answer is the command's at a fraction of its cost."""
    with stage("relay", tmp_path, reason="not connected"):
        code, line, modules = in_a_process(tmp_path, with_variable=True)
        assert (code, line) == (0, "alive: relay\n")
        assert not modules & {"click", "http.client", "ssl", "typing", "zmq", "msgspec", "common", "watcher"}
        assert in_a_process(tmp_path, "--ready", "relay", with_variable=True)[:2] == (1, "relay: not connected\n")


def test_the_command_line_gives_the_same_answers_as_the_probe(tmp_path: Path) -> None:
    with stage("relay", tmp_path, reason="not connected"):
        for arguments in ([], ["--ready"], ["matcher"], ["127.0.0.1:1"]):
            quick = in_a_process(tmp_path, *arguments, with_variable=True)
            full = in_a_process(tmp_path, "--run-dir", str(tmp_path), *arguments, with_variable=False)
            assert full[:2] == quick[:2]
            assert "click" in full[2]
