"""The watcher as a process: sockets, polling and time around `core`."""

import random
import time
from collections.abc import Sequence
from functools import partial
from math import ceil

import zmq

from common.admin import open_admin
from common.clock import monotonic, wall_ns
from common.door import Door, open_door
from common.keeping import Keeper
from common.logs import Log, Seldom
from common.messages import Beat, Updates, encode, new_incarnation
from common.place import claim
from common.poller import Poller
from common.sockets import UPDATES_HIGH_WATER, new_socket, snapshots_endpoint, updates_endpoint
from common.stop import StopSignal
from common.transport import written
from common.version import VERSION
from common.wanted import rest
from watcher import credentials
from watcher.answers import answer_waiting
from watcher.channel import Happening, HttpChannel, Read
from watcher.core import Watcher
from watcher.dial import Dialer
from watcher.knows import Knows
from watcher.publish import Publisher
from watcher.record import Recorder
from watcher.scope import Scope
from watcher.settings import Settings
from watcher.stream import ROOM_BYTES
from watcher.view import WatcherView

TURN_MILLISECONDS = 250
"""The longest sleep of the loop while a wait may end: bounds how late that is noticed. A calm watcher sleeps until its next beat."""

LIST_PAUSE_SECONDS = 0.001
"""Before the next read of a streaming list when the last one brought little, so that each brings many objects: the API server sends
them one by one, and each turn, message and wake-up would be for two or three of them."""

LITTLE_BYTES = ROOM_BYTES // 2


def run(settings: Settings) -> None:
    """Runs one watcher until SIGTERM or SIGINT. Raises UsageError for what the user has to mend."""
    stage = f"watcher-{settings.kind}"
    with claim(settings.run_dir, stage):
        _follow(settings, stage, Log(stage))


def _follow(settings: Settings, stage: str, log: Log) -> None:
    read_server = partial(credentials.read, kubeconfig=settings.kubeconfig, context=settings.context)
    server = read_server()
    stop = StopSignal()
    channels: dict[Scope, HttpChannel] = {}
    for namespace in settings.namespaces or (None,):
        channel = HttpChannel(Dialer(read_server, server), silence_seconds=settings.watch_silence_seconds)
        channels[_scope(settings, namespace, channel, log)] = channel
    publisher = Publisher(
        kind=settings.kind,
        incarnation=new_incarnation(),
        records=lambda: (r for scope in channels for r in scope.store.records()),
    )
    watcher = Watcher(scopes=list(channels), publisher=publisher)
    view = WatcherView(watcher=watcher, channels=channels, server=server.authority, clock=monotonic)
    admin = open_admin(
        stage=stage,
        run_dir=settings.run_dir,
        listen=settings.admin,
        view=view,
        questions={"/knows": Knows(watcher, rest=rest).answer},
    )
    recorder = _recorder(settings, view, log)
    log.info("started", version=VERSION, server=server.authority, incarnation=publisher.incarnation)
    with zmq.Context() as context:
        refused = view.connections_refused
        view.listen = written(settings.listen)
        door = open_door(context, stage=stage, listen=settings.listen, keys_dir=settings.keys_dir, refused=refused)
        loop = Loop(
            context=context,
            settings=settings,
            watcher=watcher,
            channels=channels,
            door=door,
            stop=stop,
            log=log,
            view=view,
            recorder=recorder,
        )
        while not stop.requested:
            loop.turn()
            admin.turned()
        loop.close()
    admin.close()
    if recorder is not None:
        recorder.close()
    log.info("stopped")


def _recorder(settings: Settings, view: WatcherView, log: Log) -> Recorder | None:
    """What records, if something shall. Raises UsageError."""
    if settings.record is None:
        return None
    rename = None
    if settings.anonymize:
        from common.anonymous import Names, key_of  # few want it

        rename = Names(key_of(settings.run_dir)).updates
    keeper = Keeper(settings.record, most_bytes=settings.record_most_bytes, kept=view.recorded, log=log)
    return Recorder(keeper, settings.kind, rename=rename)


def _scope(settings: Settings, namespace: str | None, channel: HttpChannel, log: Log) -> Scope:
    # Selectors pick pods. Owners are followed whatever their labels, or a selection would make owners unknown.
    wanted = (
        {"labelSelector": settings.label_selector, "fieldSelector": settings.field_selector}
        if settings.kind == "pods"
        else {}
    )
    return Scope(
        kind=settings.kind,
        namespace=namespace,
        selectors={key: value for key, value in wanted.items() if value},
        encoding=settings.encoding,
        streaming=settings.streaming_lists,
        channel=channel,
        log=log,
        random_=random.Random(),
    )


class Loop:
    """The sockets of a running watcher, and a turn of its loop."""

    def __init__(
        self,
        *,
        context: zmq.Context[zmq.Socket[bytes]],
        settings: Settings,
        watcher: Watcher,
        channels: dict[Scope, HttpChannel],
        door: Door,
        stop: StopSignal,
        log: Log,
        view: WatcherView,
        recorder: Recorder | None = None,
    ) -> None:
        """Without a `recorder`, nothing is recorded."""
        self._watcher = watcher
        self._channels = channels
        self._door = door
        self._stop = stop
        self._log = log
        self._view = view
        self._recorder = recorder
        self._seldom = Seldom()
        self._updates = new_socket(context, zmq.PUB, high_water=UPDATES_HIGH_WATER)
        door.bind(self._updates, ipc=partial(updates_endpoint, settings.run_dir, settings.kind), offset=0)
        self._snapshots = new_socket(context, zmq.ROUTER, high_water=UPDATES_HIGH_WATER)
        door.bind(self._snapshots, ipc=partial(snapshots_endpoint, settings.run_dir, settings.kind), offset=1)
        self._poller = Poller()
        self._poller.register(stop.fd)
        for waker in (self._snapshots, *door.wakers):
            self._poller.register(waker)
        self._polled: list[int] = []

    def turn(self) -> None:
        """Does what is due, then waits for something to happen, and takes it."""
        watcher, now = self._watcher, monotonic()
        if now >= watcher.beat_at or not watcher.calm:
            self._publish(watcher.tick(now=now, stamp_ns=wall_ns()))
        busy = self._poll_channels()
        sleep = TURN_MILLISECONDS if not watcher.calm else ceil(1e3 * (watcher.beat_at - now))
        ready = self._poller.poll(0 if busy else sleep)
        in_small_pieces = False
        for scope, channel in self._channels.items():
            now = monotonic()
            happenings = channel.turn(readable=ready, now=now)
            if happenings:
                self._publish(watcher.take(scope, happenings, now=now, stamp_ns=wall_ns()))
                in_small_pieces = in_small_pieces or (scope.streams_list and _brought(happenings) < LITTLE_BYTES)
        self._door.turn(now)
        if self._snapshots in ready:
            answer_waiting(self._snapshots, partial(watcher.answer, now=now), self._bad_frame)
        if in_small_pieces:
            time.sleep(LIST_PAUSE_SECONDS)

    def close(self) -> None:
        """Closes the sockets."""
        for channel in self._channels.values():
            channel.hang_up()
        self._door.close()
        self._updates.close()
        self._snapshots.close()

    def _poll_channels(self) -> bool:
        """Sees that what they read from is polled; tells whether one of them has something to do already."""
        wanted: list[int] = []
        busy = False
        for channel in self._channels.values():
            wanted += channel.fds
            busy = busy or channel.more
        if wanted != self._polled:
            for fd in self._polled:
                self._poller.unregister(fd)
            for fd in wanted:
                self._poller.register(fd)
            self._polled = wanted
        return busy

    def _publish(self, messages: Sequence[Updates | Beat]) -> None:
        for message in messages:
            frame = encode(message)
            self._updates.send(frame)
            if self._recorder is not None:
                self._recorder.published(message, frame)

    def _bad_frame(self, why: str) -> None:
        self._view.bad_frames += 1
        held = self._seldom.held_back("snapshots", monotonic())
        if held is not None:
            self._log.warning("frame dropped", origin="snapshots", why=why, held_back=held)


def _brought(happenings: list[Happening]) -> int:
    return sum(len(part) for one in happenings if isinstance(one, Read) for part in one.parts)
