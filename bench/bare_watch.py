"""An independent watch of all pods, which says when a line could be read: `python -m bench.bare_watch KUBECONFIG FILE`.

It asks for protobuf as podwire does, so the API server encodes an event once for both; the sandbox has JSON only. While it runs it
only reads and notes the time of each read. At SIGTERM it cuts what it read into events and writes them to FILE; before that, lines on
standard output say that the watch is open, and that its first event came. An event's time is that of the read that completed it.
"""

import json
import signal
import socket
import ssl
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench import api
from bench.figures import Told

READ_BYTES = 64 * 1024
ACCEPT = "application/vnd.kubernetes.protobuf;stream=watch,application/json"

KINDS = ("ADDED", "MODIFIED", "DELETED")

Read = tuple[int, bytes]
"""Wall-clock time, and the bytes of the response's body that it brought."""


def reads(server: api.Api) -> Iterator[Read]:
    """Reads of an open watch, for ever. One of no bytes says that it is open, or open again: the API server ends a watch that it
    could not write to for a while, which happens on a machine that is busy enough, and to podwire's too."""
    listed = server.pool().request("GET", f"{server.host}/api/v1/pods?limit=1", headers=server.headers)
    version = listed.json()["metadata"]["resourceVersion"]
    while True:
        body: list[Read] = []
        for read in watch(server, f"watch=1&resourceVersion={version}"):
            body.append(read)
            yield read
        version = max((event[0] for event in _events(body)), key=int, default=version)


def watch(server: api.Api, query: str) -> Iterator[Read]:
    """Reads of one watch with this query, up to its end; the first, of no bytes, says that it is open."""
    with connect(server) as channel:
        lines = [f"GET /api/v1/pods?{query} HTTP/1.0", "Host: podwire", f"Accept: {ACCEPT}"]
        lines += [f"{name}: {value}" for name, value in server.headers.items()]
        channel.sendall("\r\n".join([*lines, "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := channel.recv(READ_BYTES)):
                raise RuntimeError("the API server hung up")
            head += data
        if b" 200 " not in head.partition(b"\r\n")[0]:
            raise RuntimeError(head.decode("ascii", "replace"))
        yield time.time_ns(), b""
        data = head.partition(b"\r\n\r\n")[2] or channel.recv(READ_BYTES)
        while data:
            yield time.time_ns(), data
            data = channel.recv(READ_BYTES)


def connect(server: api.Api) -> socket.socket:
    """A connection to the API server, with TLS where it has it."""
    url = urlsplit(server.host)
    tls = url.scheme == "https"
    plain = socket.create_connection((url.hostname, url.port or (443 if tls else 80)))
    if not tls:
        return plain
    return ssl.create_default_context(cafile=server.authority).wrap_socket(plain, server_hostname=url.hostname)


def told(body: Iterable[Read]) -> list[Told]:
    """The events about pods that were read."""
    return [event for _, event in _events(body)]


def _events(body: Iterable[Read]) -> Iterator[tuple[str, Told]]:
    """Resource version and event, each at the time of the read that completed it."""
    held = b""
    for at_ns, data in body:
        held = held + data if data else b""
        while cut := _cut(held):
            begin, end = cut
            event = _from_json(held[begin:end], at_ns) if begin == 0 else _from_protobuf(held[begin:end], at_ns)
            held = held[end:]
            if event is not None:
                yield event


def _cut(held: bytes) -> tuple[int, int] | None:
    """Where the first whole event begins and ends: a line of JSON, or a big-endian length and so many bytes."""
    if held.startswith(b"{"):
        end = held.find(b"\n") + 1
        return (0, end) if end else None
    if len(held) < 4:
        return None
    end = 4 + int(struct.unpack_from(">I", held)[0])
    return (4, end) if len(held) >= end else None


def _from_json(line: bytes, at_ns: int) -> tuple[str, Told] | None:
    event = json.loads(line)
    if event["type"] not in KINDS:
        return None
    meta, status = event["object"]["metadata"], event["object"].get("status", {})
    return meta["resourceVersion"], Told(at_ns, meta["uid"], event["type"], bool(status.get("podIP")))


def _from_protobuf(frame: bytes, at_ns: int) -> tuple[str, Told] | None:
    """A metav1.WatchEvent (apimachinery's runtime/serializer)."""
    event = fields(frame)
    kind = event[1][0].decode()
    return _pod(event[2][0], kind, at_ns) if kind in KINDS else None


def _pod(raw: bytes, kind: str, at_ns: int) -> tuple[str, Told]:
    pod = fields(fields(fields(raw)[1][0].removeprefix(b"k8s\0"))[2][0])
    meta, status = fields(pod[1][0]), fields(pod[3][0]) if 3 in pod else {}
    return meta[6][0].decode(), Told(at_ns, meta[5][0].decode(), kind, bool(status.get(6, [b""])[0]))


def fields(message: bytes) -> dict[int, list[bytes]]:
    """The strings, bytes and messages of a protobuf message, by field number. Raises ValueError of what is none."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                _, at = _varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = _varint(message, at)
                found.setdefault(key >> 3, []).append(message[at : at + length])
                at += length
            case 5:
                at += 4
            case other:
                raise ValueError(f"wire type {other}")
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def main(kubeconfig: str, file: str) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    body: list[Read] = []
    try:
        for read in reads(api.load(kubeconfig)):
            body.append(read)
            if len(body) <= 2:
                print("moves" if read[1] else "open", flush=True)
    except KeyboardInterrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ends = sum(not data for _, data in body) - 1
    Path(file).write_text(json.dumps({"told": told(body), "ends": ends}))


if __name__ == "__main__":
    main(*sys.argv[1:])
