"""Real processes in tests: waited for with deadlines, found by their PID files. `bench.rig` starts and ends them."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

PATIENCE_SECONDS = 60.0
"""How long a test waits for what should take a moment, on a machine that is busy with something else."""


def eventually(look: Callable[[], Found | None], *, log: Path, what: str) -> Found:
    """What `look` finds once it finds something (not None, not False); fails with the log when it does not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None and found is not False:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE_SECONDS:.0f} s for {what}; the log:\n{log.read_text(errors='replace')}")


def pid_in(run_dir: Path, stage: str) -> int | None:
    """The PID of the stage's file, or None while nothing of it lives."""
    try:
        pid = int((run_dir / f"{stage}.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if lives(pid) else None


def lives(pid: int) -> bool:
    """Whether there is such a process, and not only its remains that nobody has reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether there is no such process."""
    return not lives(pid)


def ended(process: subprocess.Popen[bytes], *, log: Path) -> int:
    """The exit code of a process that is about to end."""
    return eventually(process.poll, log=log, what="the process's end")


def whole_lines(log: Path) -> list[str]:
    """The lines of a file that somebody writes to: the last one may be there in part."""
    return log.read_bytes().rpartition(b"\n")[0].decode().splitlines()
