"""What the relay tells people: one line for each transition that somebody on call would ask about; what repeats, once a minute."""

from common.logs import Field, Log, Seldom
from common.messages import Emissions
from common.records import UID
from relay.accept import Drop
from relay.connect import State, Trouble, Up
from relay.outbox import Gate
from relay.translate import Fault


class Journal:
    """Of one life. `now` is monotonic seconds."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seldom = Seldom()
        self._held_at: float | None = None

    def dialing(self, now: float) -> None:
        held_back = self._seldom.held_back("dialing", now)
        if held_back is not None:
            self._log.info("dialing", held_back=held_back)

    def connected(self, *, peer: str, connection: int) -> None:
        self._log.info("connected", peer=peer, connection=connection)

    def failed(self, before: State, trouble: Trouble, why: str, *, wait_seconds: float, now: float) -> None:
        """The connection is lost, or could not be made; the next attempt is in `wait_seconds`."""
        self._held_at = None
        fields: dict[str, Field] = {"reason": trouble, "why": why, "retry_in_seconds": wait_seconds}
        if isinstance(before, Up):
            lasted = now - before.since
            self._log.warning("connection lost", connection=before.connections, lasted_seconds=lasted, **fields)
        else:
            self._seldom_warn("cannot connect", f"{trouble} {why}", now=now, **fields)

    def epoch_opened(self, batch: Emissions) -> None:
        self._log.info("epoch opened", epoch=batch.epoch, connection=batch.connection, matcher=batch.matcher)

    def epoch_broken(self, batch: Emissions, *, taken: int) -> None:
        self._log.warning("epoch broken", epoch=batch.epoch, taken=taken, first=batch.first)

    def gate(self, gate: Gate, *, waiting_bytes: int, now: float) -> None:
        """Whether emissions are read, as it is now."""
        if gate is Gate.HELD and self._held_at is None:
            self._held_at = now
            self._seldom_warn("the reducer is slow, emissions are held", "held", now=now, waiting_bytes=waiting_bytes)
        elif gate is Gate.OPEN and self._held_at is not None:
            held, self._held_at = now - self._held_at, None
            held_back = self._seldom.held_back("released", now)
            if held_back is not None:
                self._log.info("the reducer reads again", held_seconds=held, held_back=held_back)

    def dropped(self, drop: Drop, batch: Emissions, now: float) -> None:
        """A batch was not taken. Routine where an epoch ends, so no warning."""
        held_back = self._seldom.held_back(f"dropped {drop}", now)
        if held_back is not None:
            count = len(batch.emissions)
            self._log.info("emissions dropped", reason=drop, epoch=batch.epoch, count=count, held_back=held_back)

    def bad_frame(self, why: str, now: float) -> None:
        self._seldom_warn("frame dropped", "frame", now=now, origin="emissions", why=why)

    def faulty(self, fault: Fault, uid: UID, now: float) -> None:
        """An emission was repaired or left out."""
        self._seldom_warn("emission faulty", f"faulty {fault}", now=now, reason=fault, uid=uid)

    def _seldom_warn(self, event: str, key: str, *, now: float, **fields: Field) -> None:
        held_back = self._seldom.held_back(key, now)
        if held_back is not None:
            self._log.warning(event, **fields, held_back=held_back)
