"""Exponential backoff with jitter, as values: no clock and no sleep in here."""

import random

import msgspec


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait after the next failure.

    Waits double from `first_seconds` up to `most_seconds`; each is drawn from its upper half, so that many clients that failed
    together come back apart. A failure `quiet_seconds` or more after the one before starts again from the first wait.
    """

    first_seconds: float
    most_seconds: float
    quiet_seconds: float
    failures: int = 0
    failed_at: float = float("-inf")

    def after_failure(self, now: float, *, random_: random.Random) -> tuple["Backoff", float]:
        """The backoff to keep, and the seconds to wait from `now` (monotonic seconds)."""
        failures = 0 if now - self.failed_at >= self.quiet_seconds else self.failures
        ceiling = min(self.most_seconds, self.first_seconds * 2.0 ** min(failures, 32))
        wait = ceiling * (0.5 + random_.random() / 2)
        return msgspec.structs.replace(self, failures=failures + 1, failed_at=now + wait), wait
