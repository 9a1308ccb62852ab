"""Plays a recording of updates to a matcher: in the places of the watchers that it is of, with their sockets."""

import math
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Final

import zmq

from common.clock import monotonic, wall_ns
from common.messages import Beat, Updates, encode
from common.place import claim
from common.records import KINDS, Kind
from common.sockets import (
    UPDATES_HIGH_WATER,
    bind_ipc,
    joined,
    new_publisher,
    new_socket,
    snapshots_endpoint,
    updates_endpoint,
)
from podwire.updates.player import Player
from podwire.updates.recorded import Published, Unread
from watcher.answers import answer_waiting

TURN_SECONDS: Final = 0.25
"""The longest sleep: bounds how late a beat is."""

LONGEST_DEATH_SECONDS: Final = 30.0
"""Between two lives of a watcher, as it was recorded: a recording that was gone on with days later is not waited for."""


class Play:
    """All watchers' places in a run directory, and what is played there."""

    def __init__(self, run_dir: Path, *, pace: float) -> None:
        """`pace` is how many times as fast as it was recorded; 0 is without a pause. Raises UsageError where a watcher runs there."""
        self.messages = 0
        """That have been played."""
        self.left_out = 0
        """Bytes of the file that are no message."""
        self.players = {kind: Player(kind) for kind in KINDS}
        self._pace = pace
        self._begin: tuple[int, float] | None = None
        """The time that was recorded, in ns, and the moment (monotonic seconds) that it is played at."""
        self._last_ns = 0
        """When the last message was recorded."""
        self._sockets: dict[Kind, tuple[zmq.Socket[bytes], zmq.Socket[bytes]]] = {}
        """Of each kind, for updates and for snapshots."""
        self._poller = zmq.Poller()
        with ExitStack() as stack:
            for kind in KINDS:
                stack.enter_context(claim(run_dir, f"watcher-{kind}"))
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            stack.callback(context.term)
            for kind in KINDS:
                updates = stack.enter_context(closing(new_publisher(context, high_water=UPDATES_HIGH_WATER)))
                snapshots = stack.enter_context(closing(new_socket(context, zmq.ROUTER, high_water=UPDATES_HIGH_WATER)))
                bind_ipc(updates, updates_endpoint(run_dir, kind))
                bind_ipc(snapshots, snapshots_endpoint(run_dir, kind))
                self._poller.register(snapshots, zmq.POLLIN)
                self._sockets[kind] = updates, snapshots
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Leaves the places."""
        self._stack.close()

    @property
    def missed(self) -> int:
        """Updates that were published and are not in the file, and records that cannot be read."""
        return sum(player.missed for player in self.players.values())

    def wait_for_followers(self, seconds: float) -> bool:
        """Until somebody has subscribed to all kinds, for at most so long; whether that is so."""
        missing, until = set(KINDS), monotonic() + seconds
        while missing and monotonic() < until:
            self._turn_until(monotonic() + 0.01)
            missing -= {kind for kind in missing if joined(self._sockets[kind][0])}
        return not missing

    def run(self, recorded: Iterable[Published | Unread]) -> None:
        """To the recording's end."""
        for one in recorded:
            if isinstance(one, Unread):
                self.left_out += one.size
                continue
            player = self.players[one.message.kind]
            self._turn_until(self._due(one.wall_ns, begins=player.begins(one.message)))
            self._publish(player.kind, player.play(one.message, now=monotonic(), stamp_ns=wall_ns()))
            self.messages += 1

    def stay(self, seconds: float) -> None:
        """Beats, and answers, for so long: to whoever follows, nothing changes. The first beats say how far all has come."""
        for kind, player in self.players.items():
            self._publish(kind, player.beat(monotonic()))
        self._turn_until(monotonic() + seconds)

    def _due(self, at_ns: int, *, begins: bool) -> float:
        if not self._pace:
            return -math.inf
        begin_ns, begin = self._begin or (at_ns, monotonic())
        too_long_ns = at_ns - self._last_ns - int(LONGEST_DEATH_SECONDS * 1e9)
        if begins and too_long_ns > 0:
            begin_ns += too_long_ns
        self._begin, self._last_ns = (begin_ns, begin), at_ns
        return begin + (at_ns - begin_ns) / 1e9 / self._pace

    def _turn_until(self, until: float) -> None:
        """At least one turn."""
        for left in _left(until):
            now = monotonic()
            for kind, player in self.players.items():
                if now >= player.beat_at:
                    self._publish(kind, player.tick(now))
            readable = dict(self._poller.poll(math.ceil(1e3 * min(left, TURN_SECONDS))))
            for kind, (_, snapshots) in self._sockets.items():
                if snapshots in readable:
                    answer_waiting(snapshots, partial(self.players[kind].answer, now=now), lambda _why: None)

    def _publish(self, kind: Kind, messages: list[Updates | Beat]) -> None:
        for message in messages:
            self._sockets[kind][0].send(encode(message))


def _left(until: float) -> Iterator[float]:
    yield max(0.0, until - monotonic())
    while (left := until - monotonic()) > 0:
        yield left
