"""How often somebody tries: a fault may be met with another attempt, and never with a tight loop of them."""

from collections import deque
from collections.abc import Callable
from typing import Final

WITHIN_SECONDS: Final = 2.0


class HotLoop(Exception):
    """Attempt follows attempt."""


class Pace:
    """Of one process's attempts at one thing. `now` gives seconds of simulated time."""

    def __init__(self, name: str, now: Callable[[], float], *, most: int) -> None:
        """At most so many attempts in `WITHIN_SECONDS`."""
        self._name = name
        self._now = now
        self._most = most
        self._times: deque[float] = deque(maxlen=most)

    def attempt(self) -> None:
        """Raises HotLoop."""
        if len(self._times) == self._most and self._now() - self._times[0] < WITHIN_SECONDS:
            raise HotLoop(f"{self._name}: {self._most + 1} attempts within {WITHIN_SECONDS} s")
        self._times.append(self._now())
