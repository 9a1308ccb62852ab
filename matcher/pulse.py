"""Whether a watcher is heard, and how it says that it is."""

from typing import Final, assert_never

from common.messages import Beat, Condition, Usage

SILENCE_SECONDS: Final = 5.0
"""Beats come every second; a watcher without one for so long is taken for gone or stuck."""


class Pulse:
    """The newest Beat of one watcher."""

    def __init__(self) -> None:
        self.condition: Condition | None = None
        """None before the first Beat."""
        self.usage = Usage()
        self.heard_at = float("-inf")
        """When it was, in monotonic seconds."""

    def beat(self, beat: Beat, now: float) -> None:
        """Takes a Beat that came at `now`, in monotonic seconds."""
        self.condition = beat.condition
        self.usage = beat.usage
        self.heard_at = now

    def trouble(self, now: float) -> str | None:
        """Why the watcher is not healthy: `silent`, `listing` or `forbidden`; None when it is."""
        if now - self.heard_at >= SILENCE_SECONDS:
            return "silent"
        match self.condition:
            case Condition.FOLLOWING:
                return None
            case Condition.FORBIDDEN:
                return "forbidden"
            case Condition.LISTING:
                return "listing"
            case None:
                return "silent"
            case _:
                assert_never(self.condition)
