"""What this process has used so far, as the kernel counts it."""

import resource
from collections.abc import Iterable

from common.messages import Usage


def own_usage() -> Usage:
    """This process's getrusage(2)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        user_us=int(used.ru_utime * 1e6),
        system_us=int(used.ru_stime * 1e6),
        max_rss_kib=used.ru_maxrss,
        minor_faults=used.ru_minflt,
        major_faults=used.ru_majflt,
        blocks_in=used.ru_inblock,
        blocks_out=used.ru_oublock,
        voluntary_switches=used.ru_nvcsw,
        involuntary_switches=used.ru_nivcsw,
    )


def total(usages: Iterable[Usage]) -> Usage:
    """Field by field the sum: what a pipeline has used."""
    columns = zip(*([getattr(usage, name) for name in Usage.__struct_fields__] for usage in usages), strict=True)
    return Usage(*map(sum, columns))
