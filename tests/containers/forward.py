"""Loopback of this machine, as containers reach it: connections to the engine's bridge are handed on to a port of 127.0.0.1."""

import asyncio
import ipaddress
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.containers.engine import docker


def bridge() -> str:
    """This machine's address on the engine's default bridge, which `host.docker.internal` is in containers.

    An engine that chose the bridge's network by itself names only the subnet, of which it takes the first address.
    """
    (network,) = json.loads(docker("network", "inspect", "bridge"))
    config = network["IPAM"]["Config"][0]
    return config.get("Gateway") or str(next(ipaddress.ip_network(config["Subnet"]).hosts()))


@contextmanager
def forwarded(*ports: int) -> Iterator[None]:
    """Ports of loopback, under the same numbers on the bridge, for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers: list[asyncio.Server] = []
    try:
        for port in ports:
            servers.append(asyncio.run_coroutine_threadsafe(_serve(port), loop).result())
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_end(servers), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _serve(port: int) -> asyncio.Server:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    return await asyncio.start_server(hand_on, bridge(), port)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _end(servers: list[asyncio.Server]) -> None:
    for server in servers:
        server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
