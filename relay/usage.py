"""The pipeline's vitals as the reducer hears them: `collector_health` and `agent_resource_usage`.

Resources are the sum over all processes: the matcher reports the watchers' and its own, the relay adds its own. Shares of a processor
come from the difference of two readings. A number wider than its field is sent as the largest that fits.
"""

from typing import NamedTuple

import msgspec

from common.messages import Usage
from relay import encode

REPORT_FRESH_SECONDS = 5.0
"""Five reports missed: nobody knows any more how the pipeline is."""

HEALTHY, UNKNOWN = 0, 1
"""protocol.md's `status`."""


class CpuTimes(NamedTuple):
    """The machine's processor time so far, over all cores, in clock ticks (proc_stat(5))."""

    idle: int
    total: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What has been used up to a moment."""

    at: float
    usage: Usage
    machine: CpuTimes | None
    """None where the kernel does not tell."""


def parse_cpu_times(stat: str) -> CpuTimes | None:
    """The times in the text of /proc/stat; None when its first line is not what proc_stat(5) says."""
    name, *columns = stat.partition("\n")[0].split()[:9] or [""]
    if name != "cpu" or len(columns) < 4 or not all(column.isdecimal() for column in columns):
        return None
    # user nice system idle iowait irq softirq steal; guest time, which follows, is in user already.
    times = [int(column) for column in columns]
    return CpuTimes(idle=times[3], total=sum(times))


def health(*, healthy: bool, report_age_seconds: float, stamp_ns: int) -> bytes:
    """`collector_health`: healthy when the pipeline's last report says so and is fresh."""
    good = healthy and report_age_seconds < REPORT_FRESH_SECONDS
    return encode.collector_health(stamp_ns, status=HEALTHY if good else UNKNOWN, detail=0)


def resource_usage(before: Reading | None, after: Reading, *, stamp_ns: int) -> bytes:
    """`agent_resource_usage` of `after`, with shares of the time since `before` (0 without it). Memory goes in bytes, as the original's."""
    used = after.usage
    return encode.agent_resource_usage(
        stamp_ns,
        cpu_usage=_u16(_cpu_thousandths(before, after)),
        minor_faults=_u32(used.minor_faults),
        user_us=_u64(used.user_us),
        system_us=_u64(used.system_us),
        max_rss_bytes=_u64(used.max_rss_kib * 1024),
        major_faults=_u32(used.major_faults),
        blocks_in=_u32(used.blocks_in),
        blocks_out=_u32(used.blocks_out),
        voluntary_switches=_u32(used.voluntary_switches),
        involuntary_switches=_u32(used.involuntary_switches),
        cpu_idle=_u16(_idle_thousandths(before, after)),
    )


def _cpu_thousandths(before: Reading | None, after: Reading) -> int:
    """Of one core. A process that was restarted makes the sum smaller: then nothing can be told."""
    if before is None or after.at <= before.at:
        return 0
    used_us = after.usage.user_us + after.usage.system_us - before.usage.user_us - before.usage.system_us
    return int(used_us / 1_000 / (after.at - before.at))


def _idle_thousandths(before: Reading | None, after: Reading) -> int:
    """Of one core, averaged over the machine's cores."""
    if before is None or before.machine is None or after.machine is None:
        return 0
    total = after.machine.total - before.machine.total
    return (after.machine.idle - before.machine.idle) * 1_000 // total if total > 0 else 0


def _u16(number: int) -> int:
    return max(0, min(number, 0xFFFF))


def _u32(number: int) -> int:
    return max(0, min(number, 0xFFFF_FFFF))


def _u64(number: int) -> int:
    return max(0, min(number, 0xFFFF_FFFF_FFFF_FFFF))
