"""Where the matcher finds the stages that it talks to: in the run directory, or over TCP, with CURVE wherever others can reach it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import zmq

from common import transport
from common.address import Address
from common.errors import UsageError
from common.keys import OPTION as KEYS
from common.keys import PARTNERS, Keys, read_keys

STAGE: Final = "matcher"

PEERS: Final = PARTNERS[STAGE]
"""The watchers and the relay: each is also the name of the option that says where it is."""

_Socket = zmq.Socket[bytes]


class Peers:
    """Where each stage is; those that `addresses` has no address of are in the run directory."""

    def __init__(self, addresses: Mapping[str, Address], *, keys_dir: Path | None) -> None:
        """Raises UsageError for plain TCP off loopback, and for keys that cannot be used."""
        self._tcp = dict(addresses)
        self._keys: Keys | None = None
        if keys_dir is None:
            self._tcp = {stage: transport.on_loopback(one, option=f"--{stage}") for stage, one in self._tcp.items()}
        elif self._tcp:
            self._keys = read_keys(keys_dir, STAGE, others=self._tcp)
        else:
            raise UsageError(f"{KEYS} are for tcp://; say where the others are, as in --relay tcp://relay:7400")

    def address(self, stage: str) -> Address | None:
        """Where a stage is on TCP; None: in the run directory."""
        return self._tcp.get(stage)

    def prepare(self, context: "zmq.Context[_Socket]") -> None:
        """An I/O thread for each stage on TCP. libzmq looks names up there: while a resolver hangs, only what is on that thread waits."""
        if len(self._tcp) > 1:
            context.set(zmq.IO_THREADS, len(self._tcp))

    def connect(self, socket: _Socket, stage: str, *, ipc: Callable[[], str], offset: int) -> None:
        """Connects to the stage's ipc endpoint, or to the port `offset` above its address."""
        address = self.address(stage)
        if address is None:
            socket.connect(ipc())
            return
        transport.tune(socket)
        socket.setsockopt(zmq.AFFINITY, 1 << list(self._tcp).index(stage))
        if self._keys is not None:
            transport.use_curve(socket, self._keys.own, server=self._keys.others[stage])
        socket.connect(transport.endpoint(address, offset=offset))
