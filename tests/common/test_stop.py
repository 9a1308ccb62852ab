"""The stop signals, in a process of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, select, signal, sys
from common.stop import StopSignal
stop = StopSignal()
assert not stop.requested
assert select.select([stop.fd], [], [], 0) == ([], [], [])
for _ in range(100_000 if sys.argv[2] == "many" else 1):
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
assert select.select([stop.fd], [], [], 10)[0] == [stop.fd]
assert stop.requested
print("went on")
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("times", ["once", "many"])
def test_a_stop_signal_wakes_the_poll_and_ends_nothing(name: str, times: str) -> None:
    """Many of them fill the pipe that wakes the poll: that must not raise in the middle of anything."""
    command = [sys.executable, "-c", SCRIPT, name, times]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "went on\n"), ran.stderr
