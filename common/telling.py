"""When to tell people how far something long has come."""

from typing import Final

EVERY_SECONDS: Final = 5.0


class Telling:
    """Of one thing that takes a while. It is told every `EVERY_SECONDS`, and not when it stands still: what keeps it is told elsewhere."""

    def __init__(self, now: float) -> None:
        """It begins at `now`, in monotonic seconds."""
        self._next_at = now + EVERY_SECONDS
        self._told: int | None = None

    def due(self, done: int, now: float) -> bool:
        """Whether to tell now that so much is done."""
        if now < self._next_at or done == self._told:
            return False
        self._next_at = now + EVERY_SECONDS
        self._told = done
        return True
