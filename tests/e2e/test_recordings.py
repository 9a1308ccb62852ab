"""What watchers published, recorded by a running pipeline and played to another one: what a user sends, and what a developer sees of it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import zmq

from bench import rig
from common.messages import Updates, decode
from common.recording import entries
from common.records import KINDS, Kind
from common.sockets import new_socket, updates_endpoint
from podwire.ask import NoAnswer, stage_state
from podwire.updates.recorded import Published, published
from tests.e2e.conftest import assert_in_step, pipeline
from tests.e2e.sandboxed import Sandbox, sandbox
from tests.fakes.processes import eventually, pid_in

pytestmark = pytest.mark.e2e

STREAM_OF = "upstream.rec"


@dataclass(frozen=True)
class Recorded:
    """A sandbox that has come to rest, what its pipeline recorded, and what the reducer held at the end."""

    sandbox: Sandbox
    plain: Path
    pods: list[dict[str, Any]]
    directory: Path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """While it recorded, a watcher was killed, and began again behind what it had recorded."""
    directory = tmp_path_factory.mktemp("recorded")
    file = directory / "updates.rec"
    with sandbox(directory, pods=60, rate=50.0) as api:
        told = ("--record-updates", str(file), "--record", str(directory / STREAM_OF))
        with pipeline(str(api.kubeconfig), directory, *told) as (reducer, run_dir):
            log = directory / "up.log"
            eventually(lambda: len(reducer.get("/pods")["pods"]) > 30, log=log, what="pods at the reducer")
            killed = eventually(lambda: pid_in(run_dir, "watcher-pods"), log=log, what="the watcher")
            os.kill(killed, signal.SIGKILL)
            eventually(lambda: pid_in(run_dir, "watcher-pods") not in (None, killed), log=log, what="the next life")
            api.order("settle")
            eventually(lambda: api.state()["workload"]["waiting"] == 0, log=log, what="a quiet workload")
            assert_in_step(str(api.kubeconfig), reducer)
            pods = reducer.get("/pods")["pods"]
        yield Recorded(api, file, pods, directory)


def podwire(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "podwire", *map(str, arguments)]
    return subprocess.run(
        command, cwd=rig.ROOT, env=rig.environment(COLUMNS="80"), capture_output=True, text=True, check=False, **options
    )


@contextmanager
def played(file: Path, directory: Path) -> Iterator[rig.Reducer]:
    """A reducer that a matcher and a relay of its own report to, while the file is played to them."""
    log = directory / "played.log"
    with ExitStack() as stack:
        # A test's own directory has too long a name for sockets.
        run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podwire-")))
        reducer = stack.enter_context(rig.reducer())
        stack.enter_context(rig.process(["podwire", "match", "--run-dir", str(run_dir)], log=log))
        told = ["--run-dir", str(run_dir), "--intake", reducer.address]
        stack.enter_context(rig.process(["podwire", "relay", *told], log=log))
        play = ["podwire", "replay", str(file), "--to", "matcher", "--pace", "0", "--run-dir", str(run_dir)]
        stack.enter_context(rig.process(play, log=log))

        def ready() -> bool:
            try:
                return stage_state(run_dir, "matcher")["not_ready"] is None
            except NoAnswer:
                return False

        eventually(ready, log=log, what="the matcher in sync")
        yield reducer


def test_what_was_recorded_and_is_played_comes_to_what_the_cluster_holds(recorded: Recorded, tmp_path: Path) -> None:
    with played(recorded.plain, tmp_path) as reducer:
        assert_in_step(str(recorded.sandbox.kubeconfig), reducer)


def test_a_recording_is_shown_as_lines_and_as_the_tap_shows_updates(recorded: Recorded) -> None:
    shown = podwire("decode", recorded.plain)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert " pods restart incarnation=" in shown.stdout, "the killed watcher's next life"
    assert "\x1b" not in shown.stdout
    as_json = podwire("decode", recorded.plain, "--json")
    events = [json.loads(line) for line in as_json.stdout.splitlines()]
    held = {one["record"]["uid"] for one in events if one["event"] == "apply" and one["kind"] == "pods"}
    assert {pod["uid"] for pod in recorded.pods} <= held
    assert len(events) == len(shown.stdout.splitlines())


def test_a_recording_comes_through_a_pipe_and_goes_into_one_that_is_closed(recorded: Recorded) -> None:
    shown = podwire("decode", recorded.plain)
    piped = f"{sys.executable} -m podwire decode - < {recorded.plain}"
    through = subprocess.run(piped, shell=True, cwd=rig.ROOT, capture_output=True, text=True, check=True)
    assert through.stdout == shown.stdout
    closed = subprocess.run(f"{piped} | head -1", shell=True, cwd=rig.ROOT, capture_output=True, text=True, check=True)
    assert (len(closed.stdout.splitlines()), closed.stderr) == (1, "")


def test_what_is_torn_is_told_and_the_rest_is_played(recorded: Recorded, tmp_path: Path) -> None:
    torn = tmp_path / "torn.rec"
    data = recorded.plain.read_bytes()
    torn.write_bytes(data[: len(data) // 2] + data[len(data) // 2 + 9 :])
    shown = podwire("decode", torn)
    assert shown.returncode == 1
    assert "no entry of a recording" in shown.stdout
    again = podwire("replay", torn, "--to", "matcher", "--pace", "0", "--stay", "0", "--run-dir", tmp_path / "run")
    assert again.returncode == 1
    assert "it lacks" in again.stdout


def test_no_name_of_the_cluster_is_in_an_anonymous_recording(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "anonymous.rec"
    told = ("--record-updates", str(file), "--anonymize")
    with pipeline(str(recorded.sandbox.kubeconfig), tmp_path, *told) as (reducer, _):
        assert_in_step(str(recorded.sandbox.kubeconfig), reducer)
    data = file.read_bytes()
    containers = [one for pod in recorded.pods for one in pod["containers"].values()]
    names = {pod[field] for pod in recorded.pods for field in ("name", "namespace", "owner_name")}
    names |= {one[field] for one in containers for field in ("name", "image")} - {"app"}
    assert len(names) > len(recorded.pods)
    assert not [name for name in names if name.encode() in data]
    with played(file, tmp_path) as reducer:
        known = {pod["uid"]: (pod["ip"], pod["owner_kind"]) for pod in recorded.pods}
        eventually(
            lambda: {pod["uid"]: (pod["ip"], pod["owner_kind"]) for pod in reducer.get("/pods")["pods"]} == known,
            log=tmp_path / "played.log",
            what="the same pods by other names",
        )
        assert all(pod["name"].startswith("n-") for pod in reducer.get("/pods")["pods"])
        assert reducer.get("/breaches")["breaches"]["count"] == 0


@pytest.mark.parametrize(
    ("file", "to", "why"),
    [
        ("updates.rec", ("--intake", "127.0.0.1:9"), "play it with --to matcher"),
        (STREAM_OF, ("--to", "matcher"), "is for --intake"),
        ("updates.rec", (), "say where to"),
    ],
)
def test_a_recording_of_the_other_sort_is_the_users_mistake(
    recorded: Recorded, tmp_path: Path, file: str, to: tuple[str, ...], why: str
) -> None:
    ran = podwire("replay", recorded.directory / file, *to, "--run-dir", tmp_path / "run")
    assert ran.returncode == 2
    assert ran.stderr.startswith("podwire: ")
    assert why in ran.stderr
    assert ran.stdout == ""


def test_a_plain_recording_does_not_become_an_anonymous_one(recorded: Recorded, tmp_path: Path) -> None:
    told = ("--kubeconfig", recorded.sandbox.kubeconfig, "--run-dir", tmp_path, "--intake", "127.0.0.1:9")
    ran = podwire("up", *told, "--record-updates", recorded.plain, "--anonymize", "--for", "1")
    assert ran.returncode == 2
    assert "names are not hashed in it; name another file" in ran.stderr


def test_who_waits_for_it_sees_all_that_is_played_from_its_beginning(recorded: Recorded) -> None:
    """Also the second time, when it was there before."""
    lives = lives_of(
        one.message for one in published(entries(recorded.plain.read_bytes())) if isinstance(one, Published)
    )
    with ExitStack() as stack:
        run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="podwire-")))
        context = stack.enter_context(zmq.Context())
        heard = [stack.enter_context(listening(context, run_dir, kind)) for kind in KINDS]
        for _ in range(2):
            ran = podwire(
                "replay", recorded.plain, "--to", "matcher", "--pace", "9", "--stay", "0", "--run-dir", run_dir
            )
            assert (ran.returncode, ran.stderr) == (0, "")
            frames = [frame for socket in heard for frame in waiting(socket)]
            assert sorted(lives_of(map(decode, frames)).values()) == sorted(lives.values())


@contextmanager
def listening(context: zmq.Context[Any], run_dir: Path, kind: Kind) -> Iterator[zmq.Socket[bytes]]:
    with new_socket(context, zmq.SUB, high_water=0) as socket:
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.connect(updates_endpoint(run_dir, kind))
        yield socket


def waiting(socket: zmq.Socket[bytes]) -> Iterator[bytes]:
    """What has come: the sender has ended."""
    while socket.poll(200):
        yield socket.recv()


def lives_of(messages: Iterable[Any]) -> dict[str, tuple[str, list[int]]]:
    """Of each life of a watcher: its kind, and the numbers of its updates."""
    found: dict[str, tuple[str, list[int]]] = {}
    for one in messages:
        numbers = found.setdefault(one.incarnation, (one.kind, []))[1]
        if isinstance(one, Updates):
            numbers.append(one.sequence)
    return {life: told for life, told in found.items() if told[1]}


def test_a_watcher_that_runs_is_not_replaced(recorded: Recorded, tmp_path: Path) -> None:
    watch = ["podwire", "watch", "jobs", "--kubeconfig", str(recorded.sandbox.kubeconfig), "--run-dir", str(tmp_path)]
    with rig.process(watch, log=tmp_path / "log"):
        eventually(lambda: pid_in(tmp_path, "watcher-jobs"), log=tmp_path / "log", what="the watcher")
        ran = podwire("replay", recorded.plain, "--to", "matcher", "--run-dir", tmp_path)
    assert ran.returncode == 2
    assert "watcher-jobs is running already" in ran.stderr
