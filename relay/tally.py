"""What the relay has counted since its start, for metrics and for people. Plain numbers: written by the loop, read by the admin's threads.

Every key is there from the start, so a reader never meets a dictionary that grows.
"""

from common.keeping import Kept
from common.knocks import Refusal
from relay.accept import Drop
from relay.connect import Trouble
from relay.histogram import Histogram
from relay.translate import Fault


class Tally:
    """All counters of one relay's life."""

    def __init__(self) -> None:
        self.emissions_taken = 0
        self.emissions_dropped = dict.fromkeys(Drop, 0)
        self.faults = dict.fromkeys(Fault, 0)
        self.bad_frames = 0
        self.connections_refused = dict.fromkeys(Refusal, 0)
        """From matchers, or whoever else came."""
        self.epochs_broken = 0
        self.dials_failed = dict.fromkeys(Trouble, 0)
        self.connections_lost = dict.fromkeys(Trouble, 0)
        self.messages = {"heartbeat": 0, "collector_health": 0, "agent_resource_usage": 0}
        """Those beside the pods; `Translator.messages` has the pods' own."""
        self.plain_bytes = 0
        self.compressed_bytes = 0
        self.recorded = Kept()
        self.holds = 0
        """Times that a slow reducer made the relay leave emissions in their socket."""
        self.gather_seconds = Histogram()
        """From the oldest message of a flush to the flush."""
        self.lag_seconds = Histogram()
        """From the watcher's read of an update to the flush that carries it."""
