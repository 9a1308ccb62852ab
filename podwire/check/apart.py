"""Can stages that are apart meet: keys that can be read, and the others' addresses within the matcher's reach?"""

import socket
from collections.abc import Mapping
from pathlib import Path

from common.address import Address
from common.errors import UsageError
from common.keys import PARTNERS, read_keys
from podwire.check.findings import Finding
from relay.dial import Connected, attempt


def probe_keys(directories: Mapping[str, Path]) -> list[Finding]:
    """A finding for each stage that has a directory of keys: as under `podwire up` below --keys, or --keys itself where it runs alone."""
    return [_keys(stage, directory) for stage, directory in directories.items()]


def probe_peers(peers: Mapping[str, Address]) -> list[Finding]:
    """Whether the matcher reaches each of these stages; both ports, since a firewall may let through one of them."""
    return [_peer(stage, address) for stage, address in peers.items()]


def _keys(stage: str, directory: Path) -> Finding:
    if not directory.exists() and (directory.parent / f"{stage}.key").exists():
        directory = directory.parent  # the stage runs alone, as podwire relay does: its --keys are its own
    try:
        read_keys(directory, stage, others=PARTNERS[stage])
    except UsageError as error:
        return Finding("keys", "problem", f"{stage}: {error}")
    return Finding("keys", "ok", f"{stage} has its own key, and those of whom it talks to, in {directory}")


def _peer(stage: str, address: Address) -> Finding:
    for port in (address.port, address.port + 1):
        outcome = attempt(address._replace(port=port), resolve=socket.getaddrinfo)
        if not isinstance(outcome, Connected):
            do = f"does {stage} run there, with --listen, and may this machine reach both of its ports?"
            return Finding("peers", "problem", f"{stage} cannot be reached: {outcome.text}", do)
        outcome.connection.close()
    return Finding("peers", "ok", f"{stage} accepts connections at {address} and the port after it")
