"""Changes pods at a rate that the API server's own writes do not reach: it writes into the etcd of `shared/apiserver`.

    python -m bench.changer --etcd 127.0.0.1:6644 --rate 700 --seconds 10 [--useful 0.2] [--seed 1]

A PATCH of a pod costs that API server 3 ms of processor time, so two cores saturate at 400 a second, and what is measured then is a machine
without any time left. An object that changes in etcd costs it only what a watch needs: reading and telling. The changes are those of
`fill`: a part --useful of the events are a pod's end and the beginning of another one, with a name, a UID and container IDs of its own;
the others change an annotation, which no metadata collector tells. Events come at random moments (a Poisson process).
"""

import base64
import json
import random
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import click

PREFIX = b"/registry/pods/"
MOST_PODS = 2_000
"""So many of the pods are changed, again and again."""

_CONTAINER = re.compile(rb"(?<=containerd://)[0-9a-f]{64}")
_CHECKSUM = re.compile(rb'(?<="checksum/config":")[0-9a-f]{64}')
_OWN_UID = re.compile(rb'(?<="uid":")[0-9a-f-]{36}')
"""The object's own UID comes first in what is stored."""

Write = tuple[str, dict[str, str]]
"""A method of etcd's key-value service over HTTP, and its request."""


def stored(etcd: str) -> dict[bytes, bytes]:
    """The first pods there: key → object as JSON."""
    http = HTTPConnection(etcd)
    body = {"key": _text(PREFIX), "range_end": _text(PREFIX[:-1] + b"0"), "limit": str(MOST_PODS)}
    http.request("POST", "/v3/kv/range", json.dumps(body))
    answer: dict[str, Any] = json.load(http.getresponse())
    http.close()
    return {base64.b64decode(row["key"]): base64.b64decode(row["value"]) for row in answer.get("kvs", [])}


def writes(pods: dict[bytes, bytes], *, useful: float, chance: random.Random) -> Iterator[list[Write]]:
    """Changes for ever, each one event or two; `pods` follows them. An end and a beginning are two events, so half as many are drawn."""
    keys = list(pods)
    while True:
        at = chance.randrange(len(keys))
        key = keys[at]
        if chance.random() < useful / (2 - useful):
            fresh, value = successor(key, pods.pop(key), chance)
            keys[at], pods[fresh] = fresh, value
            yield [("deleterange", {"key": _text(key)}), _put(fresh, value)]
        else:
            pods[key] = _CHECKSUM.sub(_hex(64, chance), pods[key])
            yield [_put(key, pods[key])]


def successor(key: bytes, value: bytes, chance: random.Random) -> tuple[bytes, bytes]:
    """Key and object of another pod of the same workload."""
    name = key.rpartition(b"/")[2]
    fresh = name.rpartition(b"-")[0] + b"-" + _hex(12, chance)
    value = value.replace(name, fresh)
    value = _OWN_UID.sub(str(uuid.UUID(int=chance.getrandbits(128))).encode(), value, count=1)
    return key[: -len(name)] + fresh, _CONTAINER.sub(lambda _: _hex(64, chance), value)


def _put(key: bytes, value: bytes) -> Write:
    return "put", {"key": _text(key), "value": _text(value)}


def _hex(digits: int, chance: random.Random) -> bytes:
    return f"{chance.getrandbits(4 * digits):0{digits}x}".encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Pipe:
    """Requests one behind the other on one connection, whose answers a thread reads; one that is no success counts for none."""

    def __init__(self, etcd: str) -> None:
        host, _, port = etcd.rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = etcd
        self._sent = self._answered = 0
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, write: Write) -> None:
        """Does not wait for the answer."""
        body = json.dumps(write[1]).encode()
        head = f"POST /v3/kv/{write[0]} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n\r\n"
        self._sent += 1
        self._socket.sendall(head.encode() + body)

    def drain(self, *, seconds: float) -> None:
        """Waits for all answers. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while self._answered < self._sent:
            if time.monotonic() > until:
                raise TimeoutError(f"etcd has answered {self._answered} of {self._sent} writes")
            time.sleep(0.01)

    def _read(self) -> None:
        held = b""
        while data := self._socket.recv(1 << 16):
            held += data
            *lines, held = held.split(b"\r\n")
            # Nothing separates a body from the status line behind it.
            self._answered += sum(b"HTTP/1.1 200" in line for line in lines)


def run(etcd: str, *, rate: float, useful: float, seconds: float, seed: int) -> int:
    """Makes the changes, and gives the number of events."""
    chance, pipe, events = random.Random(seed), Pipe(etcd), 0
    began = due = time.monotonic()
    for some in writes(stored(etcd), useful=useful, chance=chance):
        due += sum(chance.expovariate(rate) for _ in some)
        if due > began + seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        for write in some:
            pipe.send(write)
        events += len(some)
    pipe.drain(seconds=30)
    return events


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--etcd", required=True, help="HOST:PORT.")
@click.option("--rate", required=True, type=float, help="Pod events a second.")
@click.option("--seconds", default=10.0, show_default=True)
@click.option("--useful", default=0.2, show_default=True, help="The part of events that a reducer is told of.")
@click.option("--seed", default=1, show_default=True, help="Runs on one server need seeds of their own.")
def main(etcd: str, rate: float, seconds: float, useful: float, seed: int) -> None:
    began = time.monotonic()
    events = run(etcd, rate=rate, useful=useful, seconds=seconds, seed=seed)
    print(f"made {events} events in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
