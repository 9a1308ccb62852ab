"""What the matcher is told at its start."""

from pathlib import Path

import msgspec

from matcher.addresses import IpFamily


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `podwire match`, by their names."""

    run_dir: Path
    admin: str
    owner_wait_seconds: float
    """How long a pod waits for its owner's record; 0: for ever."""
    max_waiting: int
    """More pods than these waiting trip the guard."""
    ip_family: IpFamily
    climb: bool
    """A ReplicaSet or Job that something else than a Deployment or CronJob controls: that controller is the owner."""
