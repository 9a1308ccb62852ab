"""Watches that are open: writes their lines, bookmarks and end, and does to them what tests order.

An edge: sockets and the clock are here, what is written comes from `following`. A watch is woken by changes of its resource and by
orders; it writes what has gathered meanwhile in one go.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from typing import Final, assert_never

import msgspec
from aiohttp import web

from sandbox.following import Follower, Line
from sandbox.orders import Cut, End, Garbage, Gone, Silence, Tear, WatchOrder
from sandbox.resources import Resource
from sandbox.tables import Change, Expired

TELLINGS_KEPT: Final = 20_000
_TORN: Final = (
    b'{"type":"MODIFIED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"1","name":"to'
)
_BEFORE_TIMEOUT_SECONDS: Final = 2.0
"""The last bookmark comes this long before the watch's end, as in the real cacher."""


class Telling(msgspec.Struct, frozen=True):
    """A change that was written to a watch."""

    number: int
    watch: int
    resource: str
    type: str
    uid: str
    version: int
    at_ns: int
    """Wall clock, right before the write."""


class OpenWatch:
    """One client's watch."""

    def __init__(self, follower: Follower, *, number: int, resource: Resource, watches: "Watches") -> None:
        self.resource = resource
        self.number = number
        self._follower = follower
        self._watches = watches
        self._wake = asyncio.Event()
        self._orders: deque[tuple[WatchOrder, bytes]] = deque()

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    def order(self, order: WatchOrder, text: bytes) -> None:
        """Does this at the next turn. `text` is the line of `Garbage`."""
        self._orders.append((order, text))
        self._wake.set()

    async def run(
        self, request: web.Request, response: web.StreamResponse, *, timeout_seconds: float, bookmarks: bool
    ) -> None:
        """Writes the watch until it ends. Ends quietly where the client has fallen behind all history, as real servers do."""
        try:
            for block in self._follower.opening():
                await response.write(block)
        except Expired:
            await response.write(self._follower.expired())
            return
        try:
            await self._follow(
                request, response, _Times(timeout_seconds, self._watches.bookmark_seconds, bookmarks=bookmarks)
            )
        except Expired:
            return

    async def _follow(self, request: web.Request, response: web.StreamResponse, times: "_Times") -> None:
        while not times.over():
            self._wake.clear()
            if self._orders:
                if not await self._obey(request, response, *self._orders.popleft()):
                    return
            elif lines := self._follower.lines():
                self._watches.note(self, lines)
                await response.write(b"".join(line.text for line in lines))
            elif times.bookmark_due():
                if bookmark := self._follower.bookmark():
                    await response.write(bookmark)
            else:
                await self._sleep(times.rest_seconds())

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _obey(self, request: web.Request, response: web.StreamResponse, order: WatchOrder, text: bytes) -> bool:
        """Does what was ordered; gives whether the watch goes on."""
        match order:
            case End():
                return False
            case Cut():
                _sever(request)
                return False
            case Tear():
                await response.write(_TORN)
                _sever(request)
                return False
            case Gone():
                await response.write(self._follower.expired())
                return False
            case Garbage():
                await response.write(text + b"\n")
                return True
            case Silence():
                while not self._orders:
                    self._wake.clear()
                    await self._wake.wait()
                return True
            case _ as never:
                assert_never(never)


def _sever(request: web.Request) -> None:
    # What is written goes out first; the body's last chunk can no longer follow.
    if request.transport is not None:
        request.transport.close()


class _Times:
    """When the next bookmark is due, and when the watch is over."""

    def __init__(self, timeout_seconds: float, bookmark_seconds: float, *, bookmarks: bool) -> None:
        self._end = time.monotonic() + timeout_seconds
        self._every = bookmark_seconds
        self._bookmark = self._next() if bookmarks else float("inf")

    def _next(self) -> float:
        now = time.monotonic()
        last = self._end - _BEFORE_TIMEOUT_SECONDS
        return min(now + self._every, last) if last > now else now + self._every

    def over(self) -> bool:
        return time.monotonic() >= self._end

    def bookmark_due(self) -> bool:
        """Whether a bookmark is due; the next one is due later then."""
        if time.monotonic() < self._bookmark:
            return False
        self._bookmark = self._next()
        return True

    def rest_seconds(self) -> float:
        return max(min(self._end, self._bookmark) - time.monotonic(), 0.0)


class Watches:
    """All that are open, and what was last told to them."""

    def __init__(self, *, bookmark_seconds: float) -> None:
        self.bookmark_seconds = bookmark_seconds
        self.opened = 0
        """How many watches there have been."""
        self._open: dict[int, OpenWatch] = {}
        self._tellings: deque[Telling] = deque(maxlen=TELLINGS_KEPT)
        self._told = 0

    def open(self, follower: Follower, resource: Resource) -> OpenWatch:
        """A watch to run; `close` it when it has ended."""
        self.opened += 1
        watch = self._open[self.opened] = OpenWatch(follower, number=self.opened, resource=resource, watches=self)
        return watch

    def close(self, watch: OpenWatch) -> None:
        """The watch has ended."""
        del self._open[watch.number]

    def changed(self, resource: Resource, _change: Change) -> None:
        """Wakes the watches of a resource: the store's listener."""
        for watch in self._open.values():
            if watch.resource is resource:
                watch.wake()

    def order(self, order: WatchOrder, text: bytes = b"") -> int:
        """Orders something of the watches that are open now; gives how many they are."""
        concerned = [watch for watch in self._open.values() if order.resource in ("", watch.resource.plural)]
        for watch in concerned:
            watch.order(order, text)
        return len(concerned)

    def count(self) -> dict[str, int]:
        """How many are open, by resource."""
        counts: dict[str, int] = {}
        for watch in self._open.values():
            counts[watch.resource.plural] = counts.get(watch.resource.plural, 0) + 1
        return counts

    def note(self, watch: OpenWatch, lines: Iterable[Line]) -> None:
        """Remembers what goes to a watch now."""
        now = time.time_ns()
        for line in lines:
            self._told += 1
            self._tellings.append(
                Telling(self._told, watch.number, watch.resource.plural, line.type, line.uid, line.version, now)
            )

    def tellings(self, *, after: int) -> list[Telling]:
        """What was told since the telling of this number, oldest first, as far as it is remembered."""
        return [telling for telling in self._tellings if telling.number > after]
