"""What the kernel says of this machine and of this process, for the vitals."""

import os
from pathlib import Path

from common.messages import Usage
from common.usage import own_usage
from relay.usage import CpuTimes, parse_cpu_times


def measure() -> tuple[Usage, CpuTimes | None]:
    """This process's resources and the machine's processor time; None where /proc/stat cannot be read."""
    try:
        stat = Path("/proc/stat").read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return own_usage(), None
    return own_usage(), parse_cpu_times(stat)


def cores() -> int:
    """Processors of this machine, at least 1."""
    return os.cpu_count() or 1
