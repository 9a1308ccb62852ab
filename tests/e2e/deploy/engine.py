"""The container engine, as a kubelet needs it beyond what the other container tests do."""

import subprocess

from tests.containers.engine import inspect


def succeeds(*arguments: str, timeout_seconds: float) -> tuple[bool, str]:
    """Whether a docker command succeeds in time, and what it says."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired:
        return False, f"no end within {timeout_seconds:.0f} s"
    return done.returncode == 0, done.stdout + done.stderr


def pid_of(container: str) -> int:
    """Of its first process, as this machine counts."""
    return int(inspect(container)["State"]["Pid"])


def logs_of(container: str) -> str:
    """All that it has written."""
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
