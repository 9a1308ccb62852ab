"""The reference reducer's sockets and HTTP, on loopback: what it reads, serves, and does when it is ordered to."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
import msgspec
import pytest

from common.address import Address
from common.errors import UsageError
from sandbox.reducer.held import PodsAnswer
from sandbox.reducer.serve import Reducer, running, write_addresses
from tests.fakes import upstream as up

ANY_PORT = Address("127.0.0.1", 0)
LONGEST_SECONDS = 10.0
"""A test that hangs fails; none asserts a time."""

FIRST = up.stream(up.resync(1), up.pod("u"), up.container("u", "c1"))


class Desk:
    """A reducer, its HTTP, and collectors that connect to it."""

    def __init__(self, reducer: Reducer, http: aiohttp.ClientSession) -> None:
        self.reducer = reducer
        self._http = http

    async def get(self, path: str) -> Any:
        async with self._http.get(path) as answer:
            return await answer.json()

    async def order(self, path: str, status: int = 200) -> str:
        async with self._http.post(path) as answer:
            assert answer.status == status
            return await answer.text()

    async def delete(self, path: str) -> None:
        async with self._http.delete(path) as answer:
            assert answer.status == 200

    @contextlib.asynccontextmanager
    async def collector(self, data: bytes = b"") -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(*self.reducer.address)
        writer.write(data)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while not holds(state := await self.get("/state")):
            pass
        return state


def on_a_reducer(test: Callable[[Desk], Awaitable[None]]) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(LONGEST_SECONDS),
            running(Reducer(listen=ANY_PORT, admin=ANY_PORT)) as reducer,
            aiohttp.ClientSession(f"http://{reducer.admin_address}") as http,
        ):
            await test(Desk(reducer, http))

    asyncio.run(run())


def test_a_connection_shows_in_state_pods_and_arrivals_until_it_closes() -> None:
    async def test(desk: Desk) -> None:
        async with desk.collector(FIRST):
            state = await desk.until(lambda state: state["containers"] == 1)
            assert (state["link"], state["epoch"], state["pods"], state["breaches"]) == ("connected", 1, 1, 0)
            pods = msgspec.convert(await desk.get("/pods"), PodsAnswer)
            assert [(pod.uid, list(pod.containers)) for pod in pods.pods] == [("u", ["c1"])]
            kinds = [arrival[2] for arrival in await desk.get("/arrivals")]
            assert kinds == ["connected", "resync", "new", "container"]
        state = await desk.until(lambda state: state["link"] == "disconnected")
        assert state["connections"][0]["ended"] == "closed by the collector"
        assert (await desk.get("/pods"))["pods"] == []

    on_a_reducer(test)


def test_a_breach_of_the_protocol_ends_the_connection() -> None:
    async def test(desk: Desk) -> None:
        async with desk.collector(up.connect()) as (reader, _):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        state = await desk.until(lambda state: state["breaches"] == 1)
        assert "version_info must stand" in state["connections"][0]["ended"]
        breaches = (await desk.get("/breaches"))["breaches"]
        assert (breaches["count"], breaches["first"][0]["connection"]) == (1, 1)
        await desk.delete("/breaches")
        assert (await desk.get("/breaches"))["breaches"] == {"count": 0, "first": []}

    on_a_reducer(test)


def test_a_stall_decodes_nothing_until_it_ends_and_is_no_silence_of_the_collector() -> None:
    async def test(desk: Desk) -> None:
        async with desk.collector(up.version_info()) as (_, writer):
            await desk.until(lambda state: state["bytes_plain"] == 24)
            await desk.order("/stall?seconds=3600")
            writer.write(FIRST[24:])
            await writer.drain()
            for _ in range(20):
                state = await desk.get("/state")
            assert (state["bytes_plain"], state["orders"]["stalled_seconds"] > 3000) == (24, True)
            live = desk.reducer.ledger.live
            assert live is not None
            live.heard_at -= 60
            await desk.order("/stall?seconds=0")
            assert (await desk.until(lambda state: state["containers"] == 1))["notes"] == 0

    on_a_reducer(test)


def test_a_limited_rate_reads_on_slowly_and_loses_nothing() -> None:
    async def test(desk: Desk) -> None:
        await desk.order("/rate?bytes_per_second=1000")
        async with desk.collector(FIRST):
            await desk.until(lambda state: 0 < state["bytes_wire"] <= 100)
            await desk.order("/rate?bytes_per_second=0")
            await desk.until(lambda state: state["containers"] == 1)

    on_a_reducer(test)


@pytest.mark.parametrize("how", ["rst", "fin"])
def test_a_cut_closes_what_is_open(how: str) -> None:
    async def test(desk: Desk) -> None:
        async with desk.collector(FIRST) as (reader, _):
            await desk.until(lambda state: state["containers"] == 1)
            assert json.loads(await desk.order(f"/cut?how={how}")) == {"closed": 1}
            if how == "fin":
                assert await reader.read() == b""
            else:
                with pytest.raises(ConnectionResetError):
                    await reader.read()
            state = await desk.until(lambda state: state["link"] == "disconnected")
            assert state["connections"][0]["ended"] == "cut by order"

    on_a_reducer(test)


def test_a_cut_after_some_bytes_takes_exactly_these_on_each_of_the_next_connections() -> None:
    async def test(desk: Desk) -> None:
        await desk.order("/cut?how=fin&after=50&times=2")
        for _ in range(2):
            async with desk.collector(FIRST) as (reader, _):
                assert await reader.read() == b""
        async with desk.collector(FIRST):
            state = await desk.until(lambda state: state["containers"] == 1)
        assert [one["bytes_wire"] for one in state["connections"]] == [50, 50, len(FIRST)]

    on_a_reducer(test)


def test_a_cut_after_no_bytes_closes_the_next_connection_at_once() -> None:
    async def test(desk: Desk) -> None:
        await desk.order("/cut?how=rst&after=0")
        async with desk.collector() as (reader, _):
            with pytest.raises(ConnectionResetError):
                await reader.read()
        async with desk.collector(FIRST):
            await desk.until(lambda state: state["containers"] == 1)

    on_a_reducer(test)


def test_connections_are_refused_until_the_time_is_over_and_those_that_are_open_stay() -> None:
    async def test(desk: Desk) -> None:
        async with desk.collector(FIRST[:100]) as (_, writer):
            await desk.until(lambda state: state["bytes_wire"] == 100)
            await desk.order("/refuse?seconds=3600")
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*desk.reducer.address)
            assert not (await desk.get("/state"))["orders"]["listening"]
            writer.write(FIRST[100:])
            await desk.until(lambda state: state["containers"] == 1)
        await desk.order("/refuse?seconds=0")
        await desk.until(lambda state: state["orders"]["listening"])
        async with desk.collector(FIRST):
            await desk.until(lambda state: state["connections_opened"] == 2)

    on_a_reducer(test)


def test_a_recording_holds_the_bytes_of_each_connection_and_can_be_decoded_by_msgpack(tmp_path: Path) -> None:
    file = tmp_path / "recording"

    async def test(desk: Desk) -> None:
        await desk.order(f"/record?file={file}")
        for _ in range(2):
            async with desk.collector(FIRST):
                await desk.until(lambda state: state["containers"] == 1)
            await desk.until(lambda state: state["link"] == "disconnected")
        await desk.order("/record")

    on_a_reducer(test)
    with file.open("rb") as stream:
        entries = list(msgpack.Unpacker(stream))
    for connection in (1, 2):
        own = [what for number, _, what in entries if number == connection]
        assert (own[0], own[-1]) == ("connected", "closed: closed by the collector")
        assert b"".join(own[1:-1]) == FIRST


@pytest.mark.parametrize(
    "order",
    [
        "/stall",
        "/stall?seconds=-1",
        "/stall?seconds=nan",
        "/rate?bytes_per_second=x",
        "/cut?how=gently",
        "/cut?after=-1",
        "/refuse",
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_a_reason(order: str) -> None:
    async def test(desk: Desk) -> None:
        assert "is n" in await desk.order(order, status=400)

    on_a_reducer(test)


def test_a_recording_that_cannot_be_written_is_refused_with_the_reason(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        assert "No such file or directory" in await desk.order(f"/record?file={tmp_path}/no/where", status=400)

    on_a_reducer(test)


def test_an_address_that_is_taken_is_the_users_mistake() -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(UsageError, match="choose another --listen"):
            await Reducer(listen=desk.reducer.address, admin=ANY_PORT).start()
        with pytest.raises(UsageError, match="choose another --admin"):
            await Reducer(listen=ANY_PORT, admin=desk.reducer.admin_address).start()

    on_a_reducer(test)


def test_the_addresses_are_written_for_scripts(tmp_path: Path) -> None:
    async def test(desk: Desk) -> None:
        write_addresses(tmp_path / "addresses", desk.reducer)
        written = json.loads((tmp_path / "addresses").read_text())
        assert written["intake"] == str(desk.reducer.address)
        assert written["admin"] == str(desk.reducer.admin_address)
        assert list(tmp_path.iterdir()) == [tmp_path / "addresses"]

    on_a_reducer(test)
