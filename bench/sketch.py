"""The way of an event and nothing else: what podwire would cost if it had no rules to keep.

    python -m bench.sketch [--pods 20000] [--rate 100 --rate 700] [--seconds 20]

Three processes, joined as podwire's are, with podwire's own decoding of protobuf, records and messages, its encoding and its
compression; but blocking, with one watch that is never opened again, no owners, no snapshots, no epochs, no beats and nothing that could
be asked or recorded. It runs in turn with podwire, under the load of `bench.events`, and needs `shared/apiserver`.
"""

import multiprocessing
import multiprocessing.synchronize
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeAlias

import click
import zmq

from bench import api, events, pipeline, rig
from bench.bare_watch import watch
from bench.clusters import Filled, clusters
from bench.events import Load
from bench.figures import Run, medians
from bench.pipeline import SUPERVISOR, Costs
from bench.sink import Sink, sink
from bench.sync import PATIENCE_SECONDS
from bench.usage import cpu_seconds
from common.messages import (
    Apply,
    Delete,
    Emission,
    Emissions,
    Epoch,
    Event,
    Incarnation,
    OwnerKind,
    PodDelete,
    PodNew,
    Resync,
    Sequence,
    Updates,
    decode,
    encode,
)
from common.records import UID, Record, decode_pod_own_head
from matcher.addresses import first_ipv4
from relay.compress import Compressor
from relay.handshake import Identity, first_message, introduction
from relay.translate import Translator
from watcher.decode import Bookmark, Changed, Deleted
from watcher.decode_protobuf import ProtobufDecoder
from watcher.normalize import pod as normalized
from watcher.objects import Pod

PODWIRE, SKETCH = "podwire", "the sketch"
SOMEBODY = Incarnation("sketch")
QUERY = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"

Flag: TypeAlias = "multiprocessing.synchronize.Event"


def _socket(type_: int) -> "zmq.Socket[bytes]":
    return zmq.Context.instance().socket(type_)


def _watch(server: api.Api, place: Path, listed: Flag) -> None:
    updates = _socket(zmq.PUB)
    updates.bind(f"ipc://{place}/updates")
    decoder, known = ProtobufDecoder(Pod), dict[UID, Record]()
    frames = decoder.splitter()
    for number, (_, data) in enumerate(watch(server, QUERY), 1):
        news: list[Event] = []
        for piece in frames.feed([data]):
            match decoder.event(piece):
                case Changed(item=item):
                    record = normalized(item)  # type: ignore[arg-type]  # it is a Pod
                    if record is not None and known.get(record.uid) != record:
                        known[record.uid] = record
                        news.append(Apply(record))
                case Deleted(uid=uid):
                    if known.pop(uid, None) is not None:
                        news.append(Delete(uid))
                case Bookmark():
                    listed.set()
        if news and listed.is_set():
            message = Updates(kind="pods", incarnation=SOMEBODY, sequence=Sequence(number), stamp_ns=1, events=news)
            updates.send(encode(message))


def _match(place: Path) -> None:
    updates, emissions = _socket(zmq.SUB), _socket(zmq.PUSH)
    updates.subscribe(b"")
    updates.connect(f"ipc://{place}/updates")
    emissions.connect(f"ipc://{place}/emissions")
    emissions.send(encode(_emissions([Resync()])))
    while True:
        message = decode(updates.recv())
        assert isinstance(message, Updates)
        emissions.send(encode(_emissions([*map(_emission, message.events)])))


def _emission(event: Event) -> Emission:
    if isinstance(event, Delete):
        return PodDelete(event.uid)
    assert isinstance(event, Apply)
    ip = first_ipv4(decode_pod_own_head(event.record.own).ips)
    return PodNew(event.record, ip, OwnerKind.NONE, "", "", containers=True)


def _emissions(some: list[Emission]) -> Emissions:
    return Emissions(
        relay=SOMEBODY, connection=1, matcher=SOMEBODY, epoch=Epoch(1), first=1, stamp_ns=1, emissions=some
    )


def _relay(place: Path, address: str) -> None:
    emissions = _socket(zmq.PULL)
    emissions.bind(f"ipc://{place}/emissions")
    host, _, port = address.partition(":")
    upstream = socket.create_connection((host, int(port)))
    upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    identity, compressor = Identity(hostname="sketch", cores=1, labels=()), Compressor()
    translator = Translator(lambda fault, uid: sys.exit(f"{fault} {uid}"))
    upstream.sendall(first_message(time.time_ns()))
    time.sleep(0.1)  # the first message stands alone
    upstream.sendall(compressor.compress(b"".join(introduction(identity, stamp_ns=time.time_ns()))))
    while True:
        batch = decode(emissions.recv())
        assert isinstance(batch, Emissions)
        messages = translator.translate(batch.emissions, epoch=batch.epoch, first=1, stamp_ns=time.time_ns())
        upstream.sendall(compressor.compress(b"".join(messages)))


@dataclass(frozen=True)
class Sketch:
    """The three processes, as `bench.events` asks after podwire's."""

    pids: dict[str, int]

    def cpu(self) -> dict[str, float]:
        """CPU seconds by stage; of those that it has not, none."""
        return dict.fromkeys((*rig.STAGES, SUPERVISOR), 0.0) | {
            stage: cpu_seconds(pid) for stage, pid in self.pids.items()
        }


@contextmanager
def running(filled: Filled, reducer: Sink) -> Iterator[Sketch]:
    """The sketch, once it has read the list."""
    listed, server = multiprocessing.Event(), api.load(filled.cluster.kubeconfig)
    with tempfile.TemporaryDirectory(prefix="podwire-") as directory:
        place = Path(directory)
        started = {
            "relay": multiprocessing.Process(target=_relay, args=(place, reducer.address)),
            "matcher": multiprocessing.Process(target=_match, args=(place,)),
            "watcher-pods": multiprocessing.Process(target=_watch, args=(server, place, listed)),
        }
        for process in started.values():
            process.start()
        try:
            listed.wait(PATIENCE_SECONDS)
            yield Sketch({stage: process.pid or 0 for stage, process in started.items()})
        finally:
            for process in started.values():
                process.terminate()
                process.join()


@contextmanager
def podwire(filled: Filled, reducer: Sink) -> Iterator[pipeline.Pipeline]:
    """podwire, once it is in step."""
    with pipeline.running(filled.cluster.kubeconfig, reducer.address) as ours:
        reducer.wait_for(filled.wanted, seconds=PATIENCE_SECONDS)
        yield ours


Start = Callable[[Filled, Sink], AbstractContextManager[Costs]]


def windows(filled: Filled, who: str, loads: list[Load], seeds: Iterator[int]) -> Iterator[tuple[float, Run]]:
    """One start of either, and a window of each rate."""
    with ExitStack() as opened:
        reducer = opened.enter_context(sink())
        start: Start = podwire if who == PODWIRE else running
        ours = opened.enter_context(start(filled, reducer))
        time.sleep(3)
        resting = events.idle(ours, seconds=10)
        for load in loads:
            yield load.rate, events.window(filled, ours, reducer, load, resting=resting, seed=next(seeds), by="etcd")


def measure(filled: Filled, loads: list[Load], *, repeat: int) -> dict[str, dict[float, Run]]:
    """Medians by whose they are and the rate."""
    runs: dict[str, dict[float, list[Run]]] = {who: {load.rate: [] for load in loads} for who in (PODWIRE, SKETCH)}
    seeds = count(1)
    for _ in range(repeat):
        for who, by_rate in runs.items():
            for rate, run in windows(filled, who, loads, seeds):
                by_rate[rate].append(run)
    return {who: {rate: medians(some) for rate, some in by_rate.items()} for who, by_rate in runs.items()}


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--pods", default=20_000, show_default=True)
@click.option("--rate", "rates", multiple=True, type=float, default=(100.0, 700.0), show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="The window of each rate.")
@click.option("--repeat", default=3, show_default=True, help="Windows of each rate and of each of the two, in turn.")
def main(*, pods: int, rates: tuple[float, ...], seconds: float, repeat: int) -> None:
    rig.end_in_order()
    click.echo(rig.machine())
    with clusters() as servers:
        filled = servers.at(pods)
        if filled.source != "real":
            sys.exit("bench.sketch needs shared/apiserver beside the checkout")
        found = measure(filled, [Load(rate, seconds, 0.2) for rate in rates], repeat=repeat)
    stages = ("watcher-pods", "matcher", "relay")
    click.echo(
        f"  {'':12}" + "".join(f"{head:>13}" for head in ("events/s", "p50 ms", "p99 ms", "CPU µs", "bare µs", *stages))
    )
    names = ("rate_seen", "p50_ms", "p99_ms", "cpu_us", "bare_us", *(f"cpu_us {stage}" for stage in stages))
    for who, by_rate in found.items():
        for run in by_rate.values():
            click.echo(f"  {who:12}" + "".join(f"{run[name]:13.2f}" for name in names))


if __name__ == "__main__":
    main()
