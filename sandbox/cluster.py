"""The simulated cluster as one thing that runs in an asyncio loop: API server, workload, kubeconfig.

A demo process and tests start it beside whatever else they do; `python -m sandbox cluster` runs nothing else.
"""

import asyncio
import random
import time
import uuid
from contextlib import suppress
from pathlib import Path

import msgspec
from aiohttp import web

from common.address import Address
from common.errors import UsageError
from common.logs import Log
from sandbox.access import Access
from sandbox.desk import Desk
from sandbox.faults import Faults
from sandbox.kubeconfig import write_kubeconfig
from sandbox.objects import Store
from sandbox.serve import ApiServer
from sandbox.watching import Watches
from sandbox.workload import Workload
from sandbox.writing import Writer

TURN_SECONDS = 0.005
"""How often the workload looks whether an event is due. What is late is made up for in the same turn."""

MOST_AT_ONCE = 200
"""Events of the workload in one turn: the rest is dropped where the machine cannot keep up, so that clients are still served."""


class ClusterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulated cluster is like."""

    kubeconfig: Path
    host: str = "127.0.0.1"
    port: int = 0
    """0 for a free one."""
    advertise: str | None = None
    """The host that the kubeconfig names instead of `host`: a name or an address, IPv6 without brackets."""
    pods: int = 500
    rate: float = 20.0
    """Pod events a second."""
    seed: int = 1
    bookmark_seconds: float = 60.0
    streaming: bool = True
    """Whether the server has streaming lists (`sendInitialEvents`)."""
    open_to_all: bool = False
    """Whether requests without a token are let in, as those of kubectl are over plain HTTP."""
    changes_kept: int = 20_000
    """How many changes of a resource can be watched or listed again."""


class Cluster:
    """A running cluster; `start` it, `stop` it."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._access = Access(open_to_all=settings.open_to_all)
        self._store = Store(changes_kept=settings.changes_kept, version=_first_version())
        self._watches = Watches(bookmark_seconds=settings.bookmark_seconds)
        self._store.listeners.append(self._watches.changed)
        self._workload = Workload(
            self._store, random_=random.Random(settings.seed), pods=settings.pods, rate=settings.rate
        )
        self._runner: web.AppRunner | None = None
        self._mover: asyncio.Task[None] | None = None
        self.url = ""
        """Where clients reach it, once it is started."""

    async def start(self) -> Path:
        """Fills the cluster, serves it and writes the kubeconfig, whose path it gives. Raises UsageError where it cannot listen."""
        self._workload.fill(_now_text())
        # Cancelled with its connection: an abandoned watch must not wait for its next event to notice.
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                f"cannot listen on {self._settings.host}:{self._settings.port}: {error.strerror}; choose another --listen"
            ) from error
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{Address(self._settings.advertise or host, port)}"
        self._publish()
        self._mover = asyncio.create_task(self._move())
        self._mover.add_done_callback(_report_end)
        return self._settings.kubeconfig

    async def stop(self) -> None:
        """Stops serving; the kubeconfig stays."""
        if self._mover is not None:
            self._mover.cancel()
            with suppress(asyncio.CancelledError):
                await self._mover
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        faults = Faults(streaming=self._settings.streaming)
        writer = Writer(self._store, now=_now_text, new_uid=lambda: str(uuid.uuid4()))
        api = ApiServer(store=self._store, access=self._access, faults=faults, watches=self._watches, writer=writer)
        desk = Desk(
            store=self._store,
            access=self._access,
            faults=faults,
            watches=self._watches,
            workload=self._workload,
            publish=self._publish,
        )
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.add_routes(desk.routes())
        app.router.add_route("*", "/{path:.*}", api.handle)
        return app

    def _publish(self) -> None:
        write_kubeconfig(self._settings.kubeconfig, server=self.url, token=self._access.token)

    async def _move(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            self._workload.move(now=time.monotonic(), now_text=_now_text(), most=MOST_AT_ONCE)


def _first_version() -> int:
    """Above every version of an earlier life at this address, in microseconds since the Unix epoch.

    A life that begins with nothing is to its clients an etcd restored from a backup: unless versions go on above all that were given out
    and those count as compacted (etcdutl's --bump-revision and --mark-compacted), watches of versions yet to come wait in vain.
    """
    return time.time_ns() // 1_000


def _report_end(mover: asyncio.Task[None]) -> None:
    # A workload that died looks like a quiet cluster, in which everything is in step: it must not go unnoticed.
    if not mover.cancelled() and (error := mover.exception()):
        Log("sandbox-cluster").error("workload ended", error=repr(error))


def _now_text() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
