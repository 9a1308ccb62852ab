"""The reference reducer as something that runs: intake and admin HTTP around one ledger, in the event loop of whoever starts it."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from common.address import Address
from common.clock import monotonic, wall_ns
from sandbox.reducer.admin import Admin
from sandbox.reducer.intake import Intake
from sandbox.reducer.ledger import Clock, Ledger


class Reducer:
    """A reference reducer to embed: `start`, use `address` and `ledger`, `stop`."""

    def __init__(
        self,
        *,
        listen: Address,
        admin: Address,
        receive_buffer_bytes: int | None = None,
        kept_arrivals: int = 100_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`receive_buffer_bytes` is each connection's SO_RCVBUF, None leaves it to the kernel. `tls` is of `secure.server_context`."""
        self.ledger = Ledger(clock=Clock(monotonic, wall_ns), kept_arrivals=kept_arrivals)
        self.intake = Intake(self.ledger, listen=listen, receive_buffer_bytes=receive_buffer_bytes, tls=tls)
        self._admin = Admin(self.ledger, self.intake, listen=admin)

    @property
    def address(self) -> Address:
        """Where collectors connect to."""
        return self.intake.address

    @property
    def admin_address(self) -> Address:
        """Where the HTTP is."""
        return self._admin.address

    async def start(self) -> None:
        """Listens on both. Raises UsageError where that is not possible."""
        await self.intake.start()
        try:
            await self._admin.start()
        except BaseException:
            await self.intake.stop()
            raise

    async def stop(self) -> None:
        """Closes everything."""
        await self._admin.stop()
        await self.intake.stop()


@contextlib.asynccontextmanager
async def running(reducer: Reducer) -> AsyncIterator[Reducer]:
    """The reducer, started, for as long as the context lasts."""
    await reducer.start()
    try:
        yield reducer
    finally:
        await reducer.stop()


async def run_until_stopped(reducer: Reducer, started: Callable[[], None]) -> None:
    """Runs the reducer until SIGTERM or SIGINT; `started` is called once it listens."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(reducer):
        started()
        await stop.wait()


def write_addresses(file: Path, reducer: Reducer) -> None:
    """Where the reducer listens, as JSON, for scripts: the file is there complete or not at all."""
    text = json.dumps({"pid": os.getpid(), "intake": str(reducer.address), "admin": str(reducer.admin_address)})
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(text + "\n", "ascii")
    fresh.replace(file)
