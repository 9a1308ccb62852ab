"""The relay's core from emissions to bytes, on virtual time and without a socket."""

import random
from typing import Any

from common.logs import Log
from common.messages import Incarnation, Link, Usage
from relay.connect import Trouble
from relay.deliver import Dial, Publish, Relay
from relay.handshake import Identity
from tests.fakes.reducer_ear import stream_of

HANDSHAKE = ["version_info", "connect", "report_cpu_cores", "cloud_platform", "set_node_info", "metadata_complete"]
VITALS = ["collector_health", "agent_resource_usage"]
WALL_NS = 1_700_000_000_000_000_000


class Bench:
    """A relay on virtual time, with a reducer that takes all or nothing."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.wire = b""
        self.dials = 0
        self.links: list[Link] = []
        self.relay = Relay(
            incarnation=Incarnation("relay-1"),
            identity=Identity(hostname="h", cores=2, labels=()),
            random_=random.Random(1),
            measure=lambda: (Usage(user_us=5), None),
            log=Log("relay"),
            now=self.now,
            wall_ns=self.wall_ns,
        )

    @property
    def wall_ns(self) -> int:
        return WALL_NS + round((self.now - 1_000.0) * 1e9)

    def take(self, message: Any) -> None:
        self.relay.take(message, now=self.now, wall_ns=self.wall_ns)

    def turn(self, *, after: float = 0.0, more_coming: bool = False) -> None:
        self.now += after
        for action in self.relay.turn(now=self.now, wall_ns=self.wall_ns, more_coming=more_coming):
            match action:
                case Dial():
                    self.dials += 1
                case Publish(link):
                    self.links.append(link)

    def connect(self) -> None:
        """Dials when it is time, and stands."""
        self.turn(after=30.0)
        self.relay.dialed(peer="reducer", now=self.now, wall_ns=self.wall_ns)
        self.wire = b""

    def fail(self, trouble: Trouble = Trouble.CLOSED) -> None:
        self.relay.failed(trouble, trouble, now=self.now, wall_ns=self.wall_ns)

    def read(self) -> None:
        """The reducer reads all that waits."""
        outbox = self.relay.outbox
        while outbox is not None and (head := outbox.head()) is not None:
            self.wire += head
            outbox.sent(len(head))

    def heard(self, *, vitals: bool = False) -> list[dict[str, Any]]:
        """Everything heard on this connection, without vitals unless wanted."""
        self.read()
        return [one for one in stream_of(self.wire) if vitals or one["message"] not in VITALS]

    def names(self, *, vitals: bool = False) -> list[str]:
        return [one["message"] for one in self.heard(vitals=vitals)]


def connected() -> Bench:
    """A relay whose connection stands."""
    bench = Bench()
    bench.connect()
    bench.turn()
    return bench
