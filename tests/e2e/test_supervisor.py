"""The supervisor over real processes: toys that claim places as the stages do."""

import os
import signal
import subprocess
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from bench import rig
from tests.fakes.processes import ended, eventually, gone, lives, pid_in

pytestmark = pytest.mark.e2e


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    return tmp_path / "run"


def toys(*arguments: str, log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return rig.process(["tests.fakes.toys", *arguments], log=log)


def test_a_killed_child_comes_back_and_the_others_keep_their_pids(run_dir: Path, log: Path) -> None:
    with toys(str(run_dir), "steady", "other", log=log) as process:
        steady = eventually(lambda: pid_in(run_dir, "steady"), log=log, what="the first life of steady")
        other = eventually(lambda: pid_in(run_dir, "other"), log=log, what="other")
        os.kill(steady, signal.SIGKILL)
        eventually(lambda: pid_in(run_dir, "steady") not in (steady, None), log=log, what="its second life")
        assert pid_in(run_dir, "other") == other
        process.send_signal(signal.SIGTERM)
        assert ended(process, log=log) == 0
    assert "stage ended, starts again child=steady" in log.read_text()
    assert "signal=SIGKILL" in log.read_text()


@pytest.mark.parametrize(
    ("number", "names"), [(signal.SIGTERM, ("steady", "deaf")), (signal.SIGINT, ("steady", "other"))]
)
def test_asked_to_end_it_ends_with_all_children_also_a_deaf_one(
    run_dir: Path, log: Path, number: signal.Signals, names: tuple[str, ...]
) -> None:
    with toys(str(run_dir), *names, log=log) as process:
        pids = [eventually(partial(pid_in, run_dir, name), log=log, what=name) for name in names]
        process.send_signal(number)
        assert ended(process, log=log) == 0
        assert not any(lives(pid) for pid in pids)


def test_children_do_not_outlive_a_killed_supervisor(run_dir: Path, log: Path) -> None:
    with toys(str(run_dir), "steady", "deaf", log=log) as process:
        pids = [eventually(partial(pid_in, run_dir, name), log=log, what=name) for name in ("steady", "deaf")]
        process.kill()
        for pid in pids:
            eventually(partial(gone, pid), log=log, what=f"the end of {pid}")
        with toys(str(run_dir), "steady", log=log):
            eventually(lambda: pid_in(run_dir, "steady"), log=log, what="a new supervisor in the same run directory")


def test_a_child_that_refuses_ends_all_with_its_words_said_once(run_dir: Path, log: Path) -> None:
    with toys(str(run_dir), "steady", "picky", "picky", log=log) as process:
        assert ended(process, log=log) == 2
    assert log.read_text().count("no such context: moon") == 1
    assert "toys: picky: no such context: moon" in log.read_text()


def test_a_child_that_fails_is_started_again_and_its_fault_is_told(run_dir: Path, log: Path) -> None:
    with toys(str(run_dir), "faulty", log=log) as process:
        eventually((run_dir / "faulty.once").exists, log=log, what="its first life")
        eventually(lambda: log.read_text().count("child=faulty") == 3, log=log, what="its end and second start")
        process.send_signal(signal.SIGTERM)
        assert ended(process, log=log) == 0
    assert "ZeroDivisionError: a fault of the program" in log.read_text()
    assert "exit_code=1" in log.read_text()


def test_it_ends_by_itself_after_the_time_it_was_given(run_dir: Path, log: Path) -> None:
    with toys("--for", "0.3", str(run_dir), "steady", log=log) as process:
        assert ended(process, log=log) == 0
    *_, summary, last = log.read_text().splitlines()
    assert summary == "a summary"
    assert "stopped exit_code=0" in last


def test_a_second_supervisor_names_the_first_and_leaves_it_alone(run_dir: Path, log: Path, tmp_path: Path) -> None:
    with toys(str(run_dir), "steady", log=log) as first:
        steady = eventually(lambda: pid_in(run_dir, "steady"), log=log, what="steady")
        with toys(str(run_dir), "steady", log=tmp_path / "second") as second:
            assert ended(second, log=tmp_path / "second") == 2
        assert f"as process {first.pid}" in (tmp_path / "second").read_text()
        assert pid_in(run_dir, "steady") == steady
