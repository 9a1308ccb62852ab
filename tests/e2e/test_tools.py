"""`podwire why`, `podwire top` and `podwire status` as people use them: on a running pipeline, in a pipe and on a terminal."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import rig
from podwire.ask import admin_of
from podwire.stages import STAGES
from tests.e2e.sandboxed import Running, between, owned_pod, reference, running, sandbox
from tests.fakes.processes import eventually

pytestmark = pytest.mark.e2e

ADDRESS = "10.77.0.1"


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A pipeline in sync on a cluster in which nothing moves."""
    directory = tmp_path_factory.mktemp("tools")
    with sandbox(directory, pods=40, rate=0.0) as api, running(api, directory) as found:
        found.until_ready()
        yield found


def podwire(well: Running, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "podwire", arguments[0], "--run-dir", str(well.run_dir), *arguments[1:]]
    ran = subprocess.run(command, cwd=rig.ROOT, env=rig.environment(), capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout


def a_pod(well: Running, name: str, **details: object) -> str:
    """Puts a pod into the cluster, and waits until the matcher knows it."""
    well.sandbox.put("pods", owned_pod(name, **details))
    well.until(lambda: podwire(well, "why", f"uid-{name}")[0] == 0, f"{name} in the matcher")
    return f"team-0/{name}"


def test_a_pod_is_found_by_whatever_is_known_of_it(well: Running) -> None:
    name = a_pod(well, "web-1-3f1a9c0e7b52", ip=ADDRESS)
    owned = owned_pod("3f1a9c0e7b52" * 5, ip="10.77.0.2")
    well.sandbox.put("pods", owned)
    well.until(lambda: podwire(well, "why", "10.77.0.2")[0] == 0, "the other pod")
    for what in (name, f"uid-{name.partition('/')[2]}", ADDRESS):
        code, output = podwire(well, "why", what)
        assert (code, output.splitlines()[0]) == (0, f"pod {name}"), output
    well.until(lambda: "live in epoch" in podwire(well, "why", name)[1], "the pod with the reducer")
    digits = "3f1a9c0e7b52" * 5
    for what in (digits[:12], digits, f"containerd://{digits}"):
        assert podwire(well, "why", what)[1].splitlines()[0] == f"pod team-0/{digits}"


def test_a_pod_whose_owner_nobody_has_seen_says_what_it_waits_for(well: Running) -> None:
    name = a_pod(well, "lonely", ip="10.77.0.3", owner=reference("ReplicaSet", "unseen"))
    code, output = podwire(well, "why", name)
    assert code == 0
    assert re.search(r"it has waited \d+ s for ReplicaSet unseen, .*; the watcher of its kind has not seen it", output)
    (found,) = json.loads(podwire(well, "why", name, "--json")[1])["pods"]
    assert (found["sent"], [one["reason"] for one in found["not_sent"]]) == (None, ["waiting"])


def test_two_pods_with_one_address_are_both_shown(well: Running) -> None:
    for name in ("twin-a", "twin-b"):
        a_pod(well, name, ip="10.77.0.4")
    found = json.loads(podwire(well, "why", "10.77.0.4", "--json")[1])["pods"]
    assert [one["name"] for one in found] == ["twin-a", "twin-b"]


def test_a_pod_that_is_not_there_has_a_reason_and_exit_code_1(well: Running) -> None:
    code, output = podwire(well, "why", "team-0/nobody")
    assert (code, "is not in the cluster, or no longer" in output) == (1, True)


def test_while_nobody_listens_upstream_that_is_why_a_pod_has_not_been_sent(tmp_path: Path) -> None:
    with sandbox(tmp_path, pods=5, rate=0.0) as api, rig.reducer() as reducer:
        nobody = f"127.0.0.1:{rig.free_ports(1)}"
        with between(api, reducer, tmp_path, intake=nobody) as found:
            name = a_pod(found, "unheard", ip=ADDRESS)
            found.until(lambda: "the link to the reducer is down" in podwire(found, "why", name)[1], "the reason")
            code, status = podwire(found, "status")
    assert (code, "down: " in status, "Connection refused" in status) == (1, True, True), status


def test_a_slow_list_shows_how_far_it_is_as_a_bar_and_in_the_log(tmp_path: Path) -> None:
    with sandbox(tmp_path, pods=1_200, rate=0.0) as api:
        api.order("slow", seconds=3.0, resource="pods")
        with running(api, tmp_path, "--streaming-lists", "never") as found:
            found.until(lambda: bool(found.events("watcher-pods", "listing")), "a line of the list's progress")
            line = found.events("watcher-pods", "listing")[0]
            code, status = podwire(found, "status")
            reason = podwire(found, "why", "team-0/nobody")[1]
            api.order("clear")
            found.until_ready()
    assert 500 <= line["objects"] < 1_200 <= line["of_about"] < 1_400
    assert code == 1
    assert re.search(r"^list of pods +━+ +[\d,]+ of about 1,2\d\d \(\d\d%\)$", status, re.MULTILINE), status
    assert "the list of pods in all namespaces is under way" in reason


def test_a_pipeline_shows_all_that_matters_once_and_in_a_pipe_again_and_again(well: Running) -> None:
    well.until(lambda: "\nlag  " in podwire(well, "status")[1], "the lag of an event: there is none before the first")
    status = podwire(well, "status")[1]
    for fact in ("pods  ", "epoch  ", "link  ", "lag  ", "watch age  ", "rates  "):
        assert f"\n{fact}" in status, status
    frames = podwire(well, "top", "--count", "2", "--interval", "0.2")[1]
    assert [frames.count(fact) for fact in ("STAGE", "\nepoch", "\nlink")] == [2, 2, 2]
    assert frames.replace("\n", "").isprintable()


def test_stages_are_found_by_their_addresses_too(well: Running, tmp_path: Path) -> None:
    at = [word for stage in STAGES for word in ("--at", admin_of(well.run_dir, stage))]
    states = json.loads(podwire(well, "status", *at, "--json", "--run-dir", str(tmp_path))[1])
    assert list(states) == list(STAGES)


class Shown:
    """`podwire top` on a terminal of 80 columns without colour."""

    def __init__(self, well: Running, file: Path) -> None:
        self._ours, self.terminal = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.terminal)
        self.file = file
        file.write_bytes(b"")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "podwire", "top", "--run-dir", str(well.run_dir)],
            cwd=rig.ROOT,
            env=rig.environment(NO_COLOR="1", TERM="xterm"),
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (this test runs no threads)
        )
        os.set_blocking(self._ours, False)

    def press(self, key: bytes) -> None:
        os.write(self._ours, key)

    def until(self, words: bytes, *, times: int = 1, and_: Callable[[], bool] = lambda: True) -> None:
        """Waits until it has written them so often, and that holds."""

        def seen() -> bool:
            try:
                with self.file.open("ab") as file:
                    file.write(os.read(self._ours, 65_536))
            except BlockingIOError:
                pass
            return self.file.read_bytes().count(words) >= times and and_()

        eventually(seen, log=self.file, what=f"{words!r} {times} times")

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stands_still(self) -> bool:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self.terminal)


@pytest.fixture
def top(well: Running, tmp_path: Path) -> Iterator[Shown]:
    shown = Shown(well, tmp_path / "shown")
    yield shown
    shown.close()


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_on_a_terminal_of_80_columns_without_colour_top_draws_and_leaves_when_told(top: Shown, key: bytes) -> None:
    top.until(b"or Ctrl-C leaves")
    top.press(key)
    top.until(b"\x1b[?1049l", and_=top.ended)
    assert top.process.returncode == 0
    assert termios.tcgetattr(top.terminal) == top.before
    frame = top.file.read_text("utf-8")
    assert "in sync" in frame
    assert re.search(r"\x1b\[[0-9;]*3[0-7]m", frame) is None


def test_after_ctrl_z_the_shell_has_the_terminal_as_it_was_and_fg_goes_on(top: Shown) -> None:
    top.until(b"or Ctrl-C leaves")
    for turn in (1, 2):
        top.press(b"\x1a")
        top.until(b"\x1b[?1049l", times=turn, and_=top.stands_still)
        assert termios.tcgetattr(top.terminal) == top.before
        drawn = top.file.read_bytes().count(b"or Ctrl-C leaves")
        os.kill(top.process.pid, signal.SIGCONT)
        top.until(b"or Ctrl-C leaves", times=drawn + 1)
        assert top.file.read_bytes().count(b"\x1b[?1049h") == turn + 1
    top.press(b"q")
    top.until(b"\x1b[?1049l", times=3, and_=top.ended)
    assert top.process.returncode == 0
    assert termios.tcgetattr(top.terminal) == top.before
