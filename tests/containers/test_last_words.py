"""A relay that is told to stop delivers first what it has gathered, also where its network ends with it."""

import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bench.rig import fetch
from tests.containers.engine import ROOT, Stack, docker, until

pytestmark = pytest.mark.docker

STALL_SECONDS = 1.2
"""Of which the relay is told to stop in the middle: the reducer reads again within the second that the relay gives it."""


@pytest.fixture
def slow_stack(image: str) -> Iterator[Stack]:
    files = (ROOT / "compose.yaml", ROOT / "tests" / "containers" / "slow_reducer.yaml")
    found = Stack("podwire-slow", image, files=files)
    found.down()
    try:
        found.up()
        yield found
    finally:
        found.down()


def test_what_the_relay_had_gathered_arrives_though_the_reducer_does_not_read_when_it_is_stopped(
    slow_stack: Stack,
) -> None:
    admin = until_followed(slow_stack)
    relay = slow_stack.container("relay")
    order = urllib.request.Request(f"http://{admin}/stall?seconds={STALL_SECONDS}", method="POST")
    urllib.request.urlopen(order, timeout=5).close()
    time.sleep(STALL_SECONDS / 2)
    docker("kill", "--signal", "TERM", relay)
    assert docker("wait", relay).strip() == "0"

    (line,) = (
        line for line in slow_stack.compose("logs", "--no-color", "relay").splitlines() if "relay: stopped" in line
    )
    sent, unsent = map(int, re.findall(r"sent_bytes=(\d+) unsent_bytes=(\d+)", line)[0])
    until(lambda: newest(admin)["closed_ns"], seconds=5, what="the connection's end at the reducer")
    assert unsent == 0
    assert (newest(admin)["number"], newest(admin)["bytes_wire"]) == (1, sent)


def until_followed(stack: Stack) -> str:
    """Waits until the whole pipeline runs; gives the address of the reducer's HTTP."""
    until(lambda: stack.run("relay", "podwire", "status").returncode == 0, seconds=60, what=stack.logs)
    return stack.address("reducer", 8001)


def newest(admin: str) -> dict[str, object]:
    """The reducer's newest connection."""
    connections: list[dict[str, object]] = fetch(admin, "/state")["connections"]
    return connections[-1]
