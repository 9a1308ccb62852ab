"""The reference reducer behind TLS: reads what it would read without, and refuses whom it does not know."""

import asyncio
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from common.address import Address
from common.errors import UsageError
from sandbox.reducer.secure import server_context
from sandbox.reducer.serve import Reducer, running
from tests.fakes.certificates import Files
from tests.fakes.upstream import container, pod, resync, stream

LOOPBACK = Address("127.0.0.1", 0)


def send(address: Address, context: ssl.SSLContext, data: bytes) -> None:
    """As a collector does it: handshake, data, close_notify."""
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="reducer") as secured,
    ):
        secured.sendall(data)
        with suppress(ssl.SSLEOFError):  # the reducer closes without a word of its own
            secured.unwrap()


def pods_after(reducer_tls: ssl.SSLContext, context: ssl.SSLContext, data: bytes, *, pods: int) -> list[str]:
    """Which breaches the reducer has noted when it holds so many pods of a client's that has sent this."""

    async def run() -> list[str]:
        async with running(Reducer(listen=LOOPBACK, admin=LOOPBACK, tls=reducer_tls)) as reducer:
            await asyncio.to_thread(send, reducer.address, context, data)
            async with asyncio.timeout(10):
                while len(reducer.ledger.journal.arrivals) < pods:
                    await asyncio.sleep(0.01)
            return [str(one) for one in reducer.ledger.journal.breaches.first]

    return asyncio.run(run())


def test_a_stream_over_tls_is_read_whole(tmp_path: Path) -> None:
    files = Files(tmp_path)
    context = ssl.create_default_context(cafile=files.ca)
    data = stream(resync(1), *(pod(f"p{number}") + container(f"p{number}", f"c{number}") for number in range(5_000)))
    assert len(data) > 32_768
    assert pods_after(server_context(*files.issue("reducer"), client_ca=None), context, data, pods=5_000) == []


def test_a_client_without_a_certificate_is_refused_where_one_is_asked_for(tmp_path: Path) -> None:
    files = Files(tmp_path)
    context = ssl.create_default_context(cafile=files.ca)
    tls = server_context(*files.issue("reducer"), client_ca=files.ca)

    def try_to_send(address: Address) -> str:
        with (
            socket.create_connection(address, timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="reducer") as secured,
        ):
            return str(secured.recv(1))

    async def run() -> None:
        async with running(Reducer(listen=LOOPBACK, admin=LOOPBACK, tls=tls)) as reducer:
            with pytest.raises(ssl.SSLError, match=r"(?i)certificate required"):
                await asyncio.to_thread(try_to_send, reducer.address)

    asyncio.run(run())


def test_files_that_are_no_pem_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--tls-cert"):
        server_context(tmp_path / "none", tmp_path / "none", client_ca=None)
