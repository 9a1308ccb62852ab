"""The wall clock is set back and forth by an hour while podwire runs, under a moving workload: row 13 of the fault table.

The machine's own clock stays: a preloaded library (tests/fakes/clock.c) shifts what podwire's processes read, all at once.
"""

import json
import mmap
import struct
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import rig
from tests.chaos.scene import Scene, on_sandbox, started
from tests.fakes.processes import whole_lines

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

HOUR_NS = 3_600 * 10**9
HEARTBEAT_SECONDS = 10.0
HELD_SECONDS = 5.0
"""Longer than the reducer may be left without a heartbeat, and than a watch may be silent."""


class Clock:
    """What podwire's processes read, beside the machine's time."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._shift = mmap.mmap(opened.fileno(), 8)

    def set(self, shift_ns: int) -> None:
        self._shift[:] = struct.pack("=q", shift_ns)


@pytest.fixture
def clock(tmp_path: Path) -> tuple[Clock, dict[str, str]]:
    """A clock to set, and the variables that make a process read it."""
    library, file = tmp_path / "clock.so", tmp_path / "shift"
    source = rig.ROOT / "tests" / "fakes" / "clock.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", library, source], check=True)
    return Clock(file), {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(file)}


def is_stamped(scene: Scene, shift_ns: int) -> bool:
    """Whether the last heartbeat's timestamp is of a clock with this shift."""
    stamp_ns = scene.reducer.get("/state")["connections"][-1]["heartbeat_ns"]
    return stamp_ns is not None and abs(stamp_ns - time.time_ns() - shift_ns) < HOUR_NS / 60


def noticed(scene: Scene) -> dict[str, Any]:
    """All that would tell of somebody who has noticed."""
    state = scene.reducer.get("/state")
    logged = [json.loads(line) for line in whole_lines(scene.log)]
    return {
        "processes": scene.processes.living(),
        "connections": state["connections_opened"],
        "epoch": state["epoch"],
        "silence": state["notes"],
        "warnings": [line for line in logged if line["level"] in ("warning", "error")],
    }


def test_the_clock_is_set_back_and_forth_by_an_hour(
    clock: tuple[Clock, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timestamps on the wire go with it, and nothing else does."""
    setting, variables = clock
    with on_sandbox(tmp_path) as scene:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with started(scene, "up"):
            scene.assert_exact()
            before = noticed(scene)
            for shift_ns in (HOUR_NS, -HOUR_NS, HOUR_NS, 0):
                setting.set(shift_ns)
                time.sleep(HELD_SECONDS)
                scene.assert_exact()
                with scene.cluster.quiet():
                    # Heartbeats go out while there is nothing else to say.
                    rig.wait_for(
                        partial(is_stamped, scene, shift_ns), seconds=HEARTBEAT_SECONDS, what="the shift upstream"
                    )
            assert noticed(scene) == before
