"""What the relay knows of the pipeline's health and resources, and when it says so upstream."""

from collections.abc import Callable
from typing import assert_never

from common.messages import Report, Usage
from common.usage import total
from relay import encode, pulse
from relay.pulse import Due
from relay.tally import Tally
from relay.usage import CpuTimes, Reading, health, resource_usage

Measure = Callable[[], tuple[Usage, CpuTimes | None]]
"""This process's resources and the machine's processor time, now."""


class Vitals:
    """Keeps the matcher's newest report, and one connection's pulse after another."""

    def __init__(self, measure: Measure, *, tally: Tally, now: float) -> None:
        self._measure = measure
        self._tally = tally
        self._healthy = False
        self._reported_at = float("-inf")
        self._pipeline = Usage()
        self._before: Reading | None = None
        self._pulse = pulse.started(now)

    @property
    def due_at(self) -> float:
        """The moment from which `messages` has something to say."""
        return self._pulse.due_at(self._reported_at)

    def report(self, report: Report, now: float) -> None:
        """The matcher's report has come."""
        self._healthy = report.healthy
        self._pipeline = report.usage
        self._reported_at = now

    def connected(self, now: float) -> None:
        """A connection stands: its pulse begins."""
        self._pulse = pulse.started(now)

    def pods_sent(self, now: float) -> None:
        """Pod messages are on their way."""
        self._pulse = pulse.pods_sent(self._pulse, now)

    def resumed(self, now: float) -> None:
        """The relay reads reports again, which it could not for a while: the last one's age counts from now."""
        self._reported_at = max(self._reported_at, now)

    def messages(self, *, now: float, stamp_ns: int) -> list[bytes]:
        """What is due now."""
        self._pulse, due = pulse.beat(self._pulse, now, reported_at=self._reported_at)
        return [message for one in due for message in self._say(one, now=now, stamp_ns=stamp_ns)]

    def _say(self, due: Due, *, now: float, stamp_ns: int) -> list[bytes]:
        match due:
            case Due.HEARTBEAT:
                self._tally.messages["heartbeat"] += 1
                return [encode.heartbeat(stamp_ns)]
            case Due.VITALS:
                self._tally.messages["collector_health"] += 1
                self._tally.messages["agent_resource_usage"] += 1
                age = now - self._reported_at
                return [
                    health(healthy=self._healthy, report_age_seconds=age, stamp_ns=stamp_ns),
                    self._resources(now=now, stamp_ns=stamp_ns),
                ]
            case _:
                assert_never(due)

    def _resources(self, *, now: float, stamp_ns: int) -> bytes:
        own, machine = self._measure()
        after = Reading(at=now, usage=total((self._pipeline, own)), machine=machine)
        # Before the first report the pipeline has used nothing as far as is known: no beginning to reckon a share from.
        before, self._before = self._before, after if self._reported_at > float("-inf") else None
        return resource_usage(before, after, stamp_ns=stamp_ns)
