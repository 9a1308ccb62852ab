"""The reference reducer's HTTP: what it has seen, and the orders that tests give it. Loopback only makes sense: it has no authentication.

GET    /healthz /state /pods /breaches /arrivals?after=WALL_NS
DELETE /breaches                          begins anew with breaches and notes
POST   /stall?seconds=N                   reads nothing for so long (0: reads on)
POST   /rate?bytes_per_second=N           reads slowly (0: as fast as it goes)
POST   /cut?how=rst|fin                   closes what is open now
POST   /cut?how=rst|fin&after=N&times=K   closes after N more bytes, of the next connection where none is open; K connections in turn
POST   /refuse?seconds=N                  refuses connections for so long
POST   /record?file=FILE                  records into a new file (no file: ends the recording)
"""

from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from common.address import Address
from common.clock import monotonic
from common.errors import UsageError
from sandbox.reducer import summary
from sandbox.reducer.intake import Intake
from sandbox.reducer.ledger import Ledger
from sandbox.reducer.orders import Cut, Farewell


class Admin:
    """The HTTP server."""

    def __init__(self, ledger: Ledger, intake: Intake, *, listen: Address) -> None:
        self.address = listen
        """Where it listens; with the port in place of 0 once it has started."""
        self._ledger = ledger
        self._intake = intake

    async def start(self) -> None:
        """Listens. Raises UsageError where that is not possible."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/state", self._state),
                web.get("/pods", self._pods),
                web.get("/breaches", self._breaches),
                web.delete("/breaches", self._forget_breaches),
                web.get("/arrivals", self._arrivals),
                web.post("/stall", self._stall),
                web.post("/rate", self._rate),
                web.post("/cut", self._cut),
                web.post("/refuse", self._refuse),
                web.post("/record", self._record),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, *self.address).start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(f"cannot listen on {self.address}: {error.strerror}; choose another --admin") from error
        self.address = Address(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        """Answers no more."""
        await self._runner.cleanup()

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def _state(self, _request: web.Request) -> web.Response:
        orders = {
            "listening": self._intake.listening,
            "stalled_seconds": self._intake.pace.wait_seconds(monotonic()),
            "bytes_per_second": self._intake.pace.bytes_per_second,
            "cut": self._intake.cut,
        }
        return _json(summary.ledger_state(self._ledger) | {"intake": str(self._intake.address), "orders": orders})

    async def _pods(self, _request: web.Request) -> web.Response:
        return _json(summary.pods(self._ledger))

    async def _breaches(self, _request: web.Request) -> web.Response:
        return _json(summary.findings(self._ledger.journal))

    async def _forget_breaches(self, _request: web.Request) -> web.Response:
        self._ledger.journal.forget_findings()
        return _done()

    async def _arrivals(self, request: web.Request) -> web.Response:
        return _json(summary.arrivals(self._ledger.journal, after_ns=_whole(request, "after", default=0)))

    async def _stall(self, request: web.Request) -> web.Response:
        self._intake.stall(_seconds(request))
        return _done()

    async def _rate(self, request: web.Request) -> web.Response:
        self._intake.pace.bytes_per_second = _whole(request, "bytes_per_second")
        return _done()

    async def _cut(self, request: web.Request) -> web.Response:
        how = request.query.get("how", Farewell.RST)
        if how not in list(Farewell):
            raise web.HTTPBadRequest(text=f"how={how} is neither rst nor fin\n")
        if "after" not in request.query:
            return _json({"closed": self._intake.cut_now(Farewell(how))})
        after = _whole(request, "after")
        self._intake.cut = Cut(
            farewell=Farewell(how), bytes_left=after, every_bytes=after, times=_whole(request, "times", default=1)
        )
        return _done()

    async def _refuse(self, request: web.Request) -> web.Response:
        self._intake.refuse(_seconds(request))
        return _done()

    async def _record(self, request: web.Request) -> web.Response:
        file = request.query.get("file")
        try:
            self._intake.record(None if file is None else Path(file))
        except UsageError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        return _done()


def _json(what: Any) -> web.Response:  # noqa: ANN401 (whatever msgspec can say as JSON)
    return web.Response(body=msgspec.json.encode(what), content_type="application/json")


def _done() -> web.Response:
    return web.Response(text="done\n")


def _whole(request: web.Request, name: str, *, default: int | None = None) -> int:
    text = request.query.get(name, default)
    try:
        number = int(str(text))
    except ValueError:
        number = -1
    if number < 0:
        raise web.HTTPBadRequest(text=f"{name}={text} is not a whole number from 0\n")
    return number


def _seconds(request: web.Request) -> float:
    text = request.query.get("seconds", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise web.HTTPBadRequest(text=f"seconds={text} is not a number from 0\n")
    return seconds
