"""What the matcher is told at its start."""

from pathlib import Path

import msgspec

from common.address import Address
from matcher.addresses import IpFamily


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `podwire match`, by their names."""

    run_dir: Path
    admin: str
    peers: dict[str, Address]
    """Where watchers and the relay are, by stage, on TCP, and there on the port after it too; the others are in the run directory."""
    keys_dir: Path | None
    owner_wait_seconds: float
    """How long a pod waits for its owner's record; 0: for ever."""
    max_waiting: int
    """More pods than these waiting trip the guard."""
    ip_family: IpFamily
    climb: bool
    """A ReplicaSet or Job that something else than a Deployment or CronJob controls: that controller is the owner."""
