"""What it takes to hand a message through three processes that do nothing else: the floor of an event's lag and CPU on a machine.

    python -m bench.hops [--rate 100] [--seconds 10]

The first publishes, at random moments, a message of about a pod's size (PUB, ipc://); the second pushes it on (PUSH); the third sends
it over TCP to a reader, as watcher, matcher and relay do with an event that a reducer is told. Beside that, the same over plain sockets.
"""

import multiprocessing
import multiprocessing.queues
import random
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

import click
import zmq

from bench import rig
from bench.figures import quantile

MESSAGE_BYTES: Final = 300
WARM_UP: Final = 20
"""Messages that connections and caches get before anything counts."""

_STAMP: Final = struct.Struct("<q")

Over = Literal["zmq", "sockets"]
Sends = Callable[[bytes], object]
Receives = Callable[[], bytes]
Costs: TypeAlias = "multiprocessing.queues.Queue[tuple[str, float]]"


def _first(over: Over, place: Path, moments: int, rate: float, costs: Costs) -> None:
    send, chance = _out(over, place / "updates", zmq.PUB), random.Random(1)
    time.sleep(1.0)  # a subscription takes its time
    began = 0.0
    for number in range(WARM_UP + moments):
        if number == WARM_UP:
            began = time.process_time()
        time.sleep(chance.expovariate(rate))
        send(_STAMP.pack(time.monotonic_ns()) + bytes(MESSAGE_BYTES - _STAMP.size))
    costs.put(("publishes", time.process_time() - began))
    time.sleep(1.0)


def _middle(name: str, receive: Receives, send: Sends, moments: int, costs: Costs) -> None:
    began = 0.0
    for number in range(WARM_UP + moments):
        message = receive()
        if number == WARM_UP:
            began = time.process_time()
        send(message)
    costs.put((name, time.process_time() - began))
    time.sleep(0.5)


def _second(over: Over, place: Path, moments: int, costs: Costs) -> None:
    receive = _in(over, place / "updates", zmq.SUB)
    _middle("passes on", receive, _out(over, place / "emissions", zmq.PUSH), moments, costs)


def _third(over: Over, place: Path, address: tuple[str, int], moments: int, costs: Costs) -> None:
    upstream = socket.create_connection(address)
    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    _middle("sends", _in(over, place / "emissions", zmq.PULL), upstream.sendall, moments, costs)


def _out(over: Over, place: Path, type_: int) -> Sends:
    """Binds where it publishes, connects where it pushes, as podwire's processes do."""
    if over == "zmq":
        sending: zmq.Socket[bytes] = zmq.Context.instance().socket(type_)
        (sending.bind if type_ == zmq.PUB else sending.connect)(f"ipc://{place}")
        return sending.send
    client = socket.socket(socket.AF_UNIX)
    rig.wait_for(lambda: client.connect_ex(str(place)) == 0, seconds=10, what="the next process")
    return client.sendall


def _in(over: Over, place: Path, type_: int) -> Receives:
    if over == "zmq":
        receiving: zmq.Socket[bytes] = zmq.Context.instance().socket(type_)
        if type_ == zmq.SUB:
            receiving.subscribe(b"")
            receiving.connect(f"ipc://{place}")
        else:
            receiving.bind(f"ipc://{place}")
        poller = zmq.Poller()
        poller.register(receiving, zmq.POLLIN)

        def receive() -> bytes:
            poller.poll()
            message: bytes = receiving.recv()
            return message

        return receive
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(place))
    listening.listen()
    connection, _ = listening.accept()
    return lambda: connection.recv(MESSAGE_BYTES, socket.MSG_WAITALL)


def measure(over: Over, *, rate: float, seconds: float) -> tuple[list[float], dict[str, float]]:
    """Lags in ms, and CPU in µs a message by what a process does."""
    moments = round(rate * seconds)
    costs: Costs = multiprocessing.Queue()
    with tempfile.TemporaryDirectory(prefix="podwire-") as directory, socket.create_server(("127.0.0.1", 0)) as reader:
        place = Path(directory)
        started = [
            multiprocessing.Process(target=_third, args=(over, place, reader.getsockname(), moments, costs)),
            multiprocessing.Process(target=_second, args=(over, place, moments, costs)),
            multiprocessing.Process(target=_first, args=(over, place, moments, rate, costs)),
        ]
        for process in started:
            process.start()
        upstream, _ = reader.accept()
        lags: list[float] = []
        for _ in range(WARM_UP + moments):
            data = upstream.recv(MESSAGE_BYTES, socket.MSG_WAITALL)
            lags.append((time.monotonic_ns() - _STAMP.unpack_from(data)[0]) / 1e6)
        by_process = dict(costs.get() for _ in started)
        for process in started:
            process.join()
    return lags[WARM_UP:], {name: used / moments * 1e6 for name, used in by_process.items()}


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--rate", default=100.0, show_default=True, help="Messages a second.")
@click.option("--seconds", default=10.0, show_default=True)
def main(rate: float, seconds: float) -> None:
    click.echo(rig.machine())
    ways: tuple[Over, ...] = ("zmq", "sockets")
    for over in ways:
        lags, used = measure(over, rate=rate, seconds=seconds)
        costs = ", ".join(f"{name} {cost:.0f} µs" for name, cost in used.items())
        click.echo(
            f"{over}: lag p50 {quantile(lags, 0.5):.2f} ms, p99 {quantile(lags, 0.99):.2f} ms; CPU a message: {costs}"
        )


if __name__ == "__main__":
    main()
