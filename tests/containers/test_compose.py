"""`docker compose up`: seven containers that come and go alone, and a reducer that is in step again each time.

The tests run in the order in which they stand here, on the same containers.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.rig import fetch
from tests.containers.engine import SERVICES, STAGES, Stack, docker, inspect, until

pytestmark = pytest.mark.docker

HEALTHY_WITHIN_SECONDS = 30.0
IN_STEP_WITHIN_SECONDS = 15.0
PAUSE_SECONDS = 10.0
STOPPED_WITHIN_SECONDS = 5.0
DOWN_WITHIN_SECONDS = 10.0


@contextmanager
def only(service: str, stack: Stack, *, starts_again: bool) -> Iterator[None]:
    """What happens inside happens to this service.

    Soon after it every stage says that it is in sync, the reducer holds what the cluster lists, and no other container was started again.
    """
    before = stack.started()
    yield
    begun = time.monotonic()
    by = "matcher" if service == "cluster" else "cluster"
    if starts_again:
        until(
            lambda: stack.state(service)["StartedAt"] != before[service], seconds=left(begun), what=f"{service} started"
        )
    until(lambda: stack.run(by, "podwire", "status").returncode == 0, seconds=left(begun), what=stack.logs)
    stack.assert_in_step(by=by, seconds=left(begun))
    seconds = time.monotonic() - begun
    print(f"{service}: in step {seconds:.1f} s later")
    assert seconds <= IN_STEP_WITHIN_SECONDS
    again = {one for one, when in stack.started().items() if when != before[one]}
    assert again == ({service} if starts_again else set())
    assert fetch(stack.address("reducer", 8001), "/breaches")["breaches"]["count"] == 0, stack.logs()


def left(begun: float) -> float:
    """Of the time until all is to be in step again."""
    return max(0.0, begun + IN_STEP_WITHIN_SECONDS - time.monotonic())


def test_all_are_healthy_within_30_seconds_and_the_reducer_is_in_step(stack: Stack) -> None:
    seconds = until(
        lambda: not stack.unhealthy(),
        seconds=HEALTHY_WITHIN_SECONDS,
        what=lambda: str(stack.unhealthy()) + stack.logs(),
    )
    print(f"all healthy after {seconds:.1f} s")
    stack.assert_in_step(by="reducer", seconds=IN_STEP_WITHIN_SECONDS)


@pytest.mark.parametrize("service", STAGES)
def test_status_reaches_every_stage_from_every_container(stack: Stack, service: str) -> None:
    status = stack.run(service, "podwire", "status")
    assert status.returncode == 0, status.stdout
    assert status.stdout.count("in sync") == len(STAGES)


@pytest.mark.parametrize("service", SERVICES)
def test_each_runs_podwire_as_its_first_process_with_no_rights_and_a_root_that_cannot_be_written(
    stack: Stack, service: str
) -> None:
    found = inspect(stack.container(service))
    host = found["HostConfig"]
    assert found["Config"]["User"] == "10001:10001"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert host["Memory"] >= 256 * 1024 * 1024
    look = "print(open('/proc/1/cmdline').read().split(chr(0))[1], open('/proc/1/status').read())"
    first, _, status = stack.run(service, "python", "-c", look).stdout.partition(" ")
    assert first == "/opt/podwire/bin/podwire"
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Read-only file system" in stack.run(service, "touch", "/written").stderr


def test_memory_limits_leave_room(stack: Stack) -> None:
    """If a stage uses more than half of its limit on the sandbox, then the limit is no protection but a fault that waits."""
    names = {stack.container(service)[:12]: service for service in SERVICES}
    lines = docker("stats", "--no-stream", "--format", "{{.ID}} {{.MemPerc}}").splitlines()
    shares = {names[line.split()[0]]: float(line.split()[1].rstrip("%")) for line in lines if line.split()[0] in names}
    print(json.dumps(shares))
    assert set(shares) == set(SERVICES)
    assert max(shares.values()) < 50


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_that_crashes_is_back_and_in_step_and_the_others_went_on(stack: Stack, service: str) -> None:
    with only(service, stack, starts_again=True):
        stack.crash(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_that_is_restarted_is_in_step_and_the_others_went_on(stack: Stack, service: str) -> None:
    with only(service, stack, starts_again=True):
        stack.compose("restart", service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_that_is_paused_for_10_seconds_is_in_step_afterwards_and_nothing_was_started_again(
    stack: Stack, service: str
) -> None:
    with only(service, stack, starts_again=False):
        stack.compose("pause", service)
        time.sleep(PAUSE_SECONDS)
        stack.compose("unpause", service)


def test_a_container_that_somebody_kills_stays_away_until_it_is_asked_for(stack: Stack) -> None:
    """If `docker kill` ends a container, then the engine takes it for a wish, as with `docker stop`; `up` brings it back, alone."""
    with only("matcher", stack, starts_again=True):
        stack.compose("kill", "matcher")
        time.sleep(2.0)
        assert stack.state("matcher")["Status"] == "exited"
        stack.up()


def test_after_all_that_every_container_is_healthy(stack: Stack) -> None:
    until(lambda: not stack.unhealthy(), seconds=HEALTHY_WITHIN_SECONDS, what=lambda: str(stack.unhealthy()))


@pytest.mark.parametrize("service", [one for one in SERVICES if one != "reducer"])
def test_sigterm_ends_a_container_with_exit_code_0_within_5_seconds(stack: Stack, service: str) -> None:
    begun = time.monotonic()
    docker("stop", "--time", "20", stack.container(service))
    seconds = time.monotonic() - begun
    state = stack.state(service)
    stack.up()
    print(f"{service} ended after {seconds:.1f} s")
    assert state["ExitCode"] == 0
    assert seconds < STOPPED_WITHIN_SECONDS


def test_down_ends_everything_within_10_seconds(stack: Stack) -> None:
    until(lambda: not stack.unhealthy(), seconds=HEALTHY_WITHIN_SECONDS, what=lambda: str(stack.unhealthy()))
    label = f"label=com.docker.compose.project={stack.project}"
    begun = time.monotonic()
    stack.compose("down")
    seconds = time.monotonic() - begun
    print(f"down after {seconds:.1f} s")
    assert docker("ps", "-aq", "--filter", label) == ""
    assert docker("network", "ls", "-q", "--filter", label) == ""
    assert seconds < DOWN_WITHIN_SECONDS
