"""Where the reference reducer listens: accepts connections, reads them at the ordered pace, and closes them as ordered.

An edge: what the bytes mean is the ledger's. Nothing is ever sent. All methods are for the event loop that `start` was called in.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from pathlib import Path
from typing import Any, Final

from common.address import Address
from common.clock import monotonic, wall_ns
from common.errors import UsageError
from common.recording import CONNECTED, Recording
from sandbox.reducer.decode import ProtocolBreach
from sandbox.reducer.ledger import Connection, Ledger
from sandbox.reducer.orders import Cut, Farewell, Pace
from sandbox.reducer.secure import Channel, Plain, Secure

DRAIN_SECONDS: Final = 1.0
"""After our FIN the peer has this long to close. Closed sooner, unread bytes would make the kernel send a reset instead."""


class Intake:
    """The listening socket and the connections that came through it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        listen: Address,
        receive_buffer_bytes: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`receive_buffer_bytes` is each connection's SO_RCVBUF: a small one makes a stalled reducer felt early."""
        self.address = listen
        """Where it listens; with the port in place of 0 once it has started."""
        self.pace = Pace()
        self.cut: Cut | None = None
        """The order to close a connection at a given byte, while there is one."""
        self._ledger = ledger
        self._receive_buffer_bytes = receive_buffer_bytes
        self._tls = tls
        self._recording: Recording | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers: dict[int, asyncio.Task[Any]] = {}
        self._farewells: dict[int, Farewell] = {}
        self._pace_changed = asyncio.Event()

    @property
    def listening(self) -> bool:
        """Connections are accepted, not refused."""
        return not self._acceptor.done()

    async def start(self) -> None:
        """Listens. Raises UsageError where that is not possible."""
        self._bind()
        self.listen()

    async def stop(self) -> None:
        """Closes all sockets and the recording."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()
        self.record(None)

    def listen(self) -> None:
        """Accepts connections (again)."""
        self._socket.listen()
        self._acceptor = self._spawn(self._accept(self._socket))

    def refuse(self, seconds: float) -> None:
        """Connections are refused for so long; those that are open stay."""
        self._acceptor.cancel()
        self._socket.close()
        # Bound and not listening: the kernel refuses, and nobody else can take the port meanwhile.
        self._bind()
        self._spawn(self._listen_later(self._socket, seconds))

    def stall(self, seconds: float) -> None:
        """Nothing is read for so long; 0 reads on."""
        self.pace.stall(seconds, monotonic())
        self._pace_changed.set()

    def cut_now(self, farewell: Farewell) -> int:
        """Closes all open connections, and gives their number."""
        for number, reader in self._readers.items():
            self._farewells[number] = farewell
            reader.cancel()
        return len(self._readers)

    def record(self, path: Path | None) -> None:
        """Records from now on, into a new file; None ends a recording. Raises UsageError where the file cannot be written."""
        recording = None if path is None else Recording(path)
        if self._recording is not None:
            self._recording.close()
        self._recording = recording

    def _bind(self) -> None:
        self._socket = _bound_socket(self.address, receive_buffer_bytes=self._receive_buffer_bytes)
        self.address = Address(*self._socket.getsockname()[:2])

    async def _listen_later(self, bound: socket.socket, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if bound is self._socket:
            self.listen()

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            client, peer = await asyncio.get_running_loop().sock_accept(listening)
            client.setblocking(False)
            self._spawn(self._serve(client, Address(*peer[:2])))

    async def _serve(self, client: socket.socket, peer: Address) -> None:
        connection = self._ledger.open(str(peer))
        task = asyncio.current_task()
        assert task is not None
        self._readers[connection.number] = task
        self._write(connection, CONNECTED)
        ended = "the reducer stopped"
        try:
            channel = Plain(client) if self._tls is None else Secure(client, self._tls)
            ended = await self._read(channel, connection)
        except asyncio.CancelledError:
            if connection.number not in self._farewells:
                raise
            ended = "cut by order"
        except ProtocolBreach as breach:
            ended = f"breach of the protocol {breach}"
        except OSError as error:
            tls = isinstance(error, ssl.SSLError)
            ended = os.strerror(error.errno) if error.errno and not tls else str(error)
        finally:
            del self._readers[connection.number]
            self._ledger.close(connection, ended)
            self._write(connection, f"closed: {ended}")
            self._part(client, self._farewells.pop(connection.number, None))

    async def _read(self, channel: Channel, connection: Connection) -> str:
        """Reads to the end, and gives why it came."""
        while not self._cut_is_due(connection):
            data = await channel.recv(self.pace.largest_read())
            await self._hold(len(data))
            if not data:
                return "closed by the collector"
            if self.cut is not None:
                data = data[: self.cut.bytes_left]
                self.cut = self.cut.after(len(data))
            self._write(connection, data)
            self._ledger.receive(connection, data)
        return "cut by order"

    def _cut_is_due(self, connection: Connection) -> bool:
        if self.cut is None or self.cut.bytes_left:
            return False
        self._farewells[connection.number] = self.cut.farewell
        self.cut = self.cut.done()
        return True

    async def _hold(self, bytes_read: int) -> None:
        """Waits as the pace demands, and always lets others have their turn."""
        await asyncio.sleep(self.pace.rest_seconds(bytes_read))
        if not self.pace.wait_seconds(monotonic()):
            return
        try:
            while wait := self.pace.wait_seconds(monotonic()):
                self._pace_changed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._pace_changed.wait(), wait)
        finally:
            self._ledger.resumed()

    def _part(self, client: socket.socket, farewell: Farewell | None) -> None:
        if farewell is Farewell.FIN:
            self._spawn(self._drain(client))
            return
        if farewell is Farewell.RST:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    async def _drain(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError, TimeoutError):
            client.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(DRAIN_SECONDS):
                while await asyncio.get_running_loop().sock_recv(client, 65_536):
                    pass

    def _write(self, connection: Connection, what: bytes | str) -> None:
        if self._recording is not None:
            self._recording.write(connection=connection.number, wall_ns=wall_ns(), what=what)

    def _spawn(self, work: Any) -> asyncio.Task[None]:  # noqa: ANN401 (a coroutine of any inner types)
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _bound_socket(address: Address, *, receive_buffer_bytes: int | None) -> socket.socket:
    """A socket that is bound and does not listen yet. Raises UsageError."""
    try:
        family, _, _, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        with contextlib.ExitStack() as undone:
            bound = undone.enter_context(socket.socket(family, socket.SOCK_STREAM))
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if receive_buffer_bytes is not None:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            bound.bind(place)
            undone.pop_all()
            return bound
    except OSError as error:
        raise UsageError(f"cannot listen on {address}: {error.strerror}; choose another --listen") from error
