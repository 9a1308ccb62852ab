"""What the reference reducer shows of itself, as JSON can say it: `/state`, `/pods`, `/breaches` and `/arrivals`."""

import os
from collections.abc import Iterable
from typing import Any

import msgspec

from sandbox.reducer.held import PodsAnswer
from sandbox.reducer.journal import Arrival, Findings, Journal
from sandbox.reducer.layout import NAMES
from sandbox.reducer.ledger import Connection, Ledger

SHOWN_CONNECTIONS = 50
SHOWN_RESYNCS = 50


def ledger_state(ledger: Ledger) -> dict[str, Any]:
    """The part of `/state` that tells what came: totals over all connections, pods of the live one."""
    live = ledger.live
    volume = ledger.volume()
    newest = list(ledger.connections.values())[-SHOWN_CONNECTIONS:]
    return {
        "pid": os.getpid(),
        "link": "connected" if live else "disconnected",
        "connection": live.number if live else None,
        "epoch": live.state.epoch if live else None,
        "pods": len(live.state.pods) if live else 0,
        "containers": live.state.containers if live else 0,
        "connections_opened": ledger.opened,
        "counts": {NAMES[kind]: count for kind, count in ledger.counts().items()},
        "bytes_wire": volume.wire,
        "bytes_plain": volume.plain,
        "breaches": ledger.journal.breaches.count,
        "notes": ledger.journal.notes.count,
        "connections": [_connection(connection) for connection in newest],
    }


def pods(ledger: Ledger) -> PodsAnswer:
    """The live connection's pods."""
    live = ledger.live
    if live is None:
        return PodsAnswer(connection=None, epoch=None, pods=[])
    return PodsAnswer(connection=live.number, epoch=live.state.epoch, pods=list(live.state.pods.values()))


def findings(journal: Journal) -> dict[str, Any]:
    """Breaches and notes: how many, and the first ones in words."""
    return {"breaches": _findings(journal.breaches), "notes": _findings(journal.notes)}


def arrivals(journal: Journal, *, after_ns: int) -> Iterable[Arrival]:
    """Those decoded after this wall-clock time, the oldest first."""
    return [arrival for arrival in journal.arrivals if arrival[0] > after_ns]


def _findings(some: Findings) -> dict[str, Any]:
    return {"count": some.count, "first": some.first}


def _connection(connection: Connection) -> dict[str, Any]:
    state = connection.state
    return {
        "number": connection.number,
        "peer": connection.peer,
        "opened_ns": connection.opened_ns,
        "closed_ns": connection.closed_ns,
        "ended": connection.ended,
        "handshake": NAMES[state.handshake] if state.handshake else None,
        "facts": {name: msgspec.to_builtins(fact) for name, fact in state.facts.items()},
        "labels": state.labels,
        "addresses": [msgspec.to_builtins(address) for address in state.addresses],
        "epoch": state.epoch,
        "resyncs": list(state.resyncs)[-SHOWN_RESYNCS:],
        "counts": state.counts(),
        "pods": len(state.pods),
        "containers": state.containers,
        "pod_not_found": state.pod_not_found,
        "containers_dropped": state.containers_dropped,
        "containers_repeated": state.containers_repeated,
        "heartbeat_ns": state.heartbeat_ns,
        "log": [msgspec.to_builtins(line) for line in state.log],
        "bytes_wire": connection.decoder.wire_bytes,
        "bytes_plain": connection.decoder.plain_bytes,
        "bytes_pending": connection.decoder.pending_bytes,
    }
