"""What the matcher tells people: one line for each transition that somebody on call would ask about, none for a pod."""

from typing import Final

from common.logs import Log, Seldom
from common.messages import Epoch
from common.records import KINDS, Kind
from common.telling import Telling
from matcher.epochs import Cause
from matcher.follow import Progress

WORSE: Final = frozenset({"silent", "forbidden"})
"""Troubles of a watcher that somebody may have to mend."""


class Journal:
    """Of one life. `now` is monotonic seconds."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seldom = Seldom()
        self._troubles: dict[Kind, str | None] = dict.fromkeys(KINDS, "silent")
        self._asked_at: dict[Kind, float] = {}
        """Of the snapshots that are being taken: when the first of the asks was, should it take several."""
        self._snapshots: dict[Kind, Telling] = {}
        """Of the snapshots that are being taken: when to tell how far they are."""
        self._sending: tuple[Epoch, float, Telling] | None = None
        """The epoch whose full send is under way, since when, and when to tell how far it is."""

    def watcher(self, kind: Kind, trouble: str | None) -> None:
        """How the watcher does now (`Pulse.trouble`)."""
        if trouble != self._troubles[kind]:
            self._troubles[kind] = trouble
            tell = self._log.warning if trouble in WORSE else self._log.info
            tell(f"watcher {trouble or 'healthy'}", kind=kind)

    def gap(self, kind: Kind) -> None:
        self._log.warning("updates got lost, a snapshot is taken", kind=kind)

    def snapshot_asked(self, kind: Kind, now: float) -> None:
        self._asked_at.setdefault(kind, now)

    def snapshot_goes_on(self, kind: Kind, progress: Progress, now: float) -> None:
        """A snapshot is being taken; call it as often as you like."""
        since = self._asked_at.get(kind, now)
        if self._snapshots.setdefault(kind, Telling(since)).due(progress.objects, now):
            self._log.info(
                "taking snapshot",
                kind=kind,
                objects=progress.objects,
                of_about=progress.of_about,
                seconds=now - since,
            )

    def snapshot_taken(self, kind: Kind, *, objects: int, now: float) -> None:
        self._snapshots.pop(kind, None)
        self._log.info("snapshot taken", kind=kind, objects=objects, seconds=now - self._asked_at.pop(kind, now))

    def owners(self, kind: Kind, *, given_up: bool, forbidden: bool) -> None:
        """Whether pods wait for owners of this kind has changed."""
        if given_up:
            self._log.warning("owners given up", kind=kind, reason="forbidden" if forbidden else "late")
        else:
            self._log.info("owners expected again", kind=kind)

    def guard_tripped(self, waiting: int) -> None:
        self._log.warning("guard tripped, everything is read afresh", waiting=waiting)

    def guard_armed(self, waiting: int) -> None:
        self._log.info("guard armed again", waiting=waiting)

    def epoch_opened(self, epoch: Epoch, *, reasons: tuple[Cause, ...], connection: int, pods: int, now: float) -> None:
        self._sending = (epoch, now, Telling(now))
        self._log.info("epoch opened", epoch=epoch, reasons=",".join(reasons), connection=connection, pods=pods)

    def epoch_goes_on(self, *, unswept: int, swept: int, now: float) -> None:
        """The full send has come to `swept` pods; call it as often as you like."""
        if self._sending is not None and unswept:
            epoch, opened_at, telling = self._sending
            if telling.due(swept, now):
                self._log.info(
                    "sending epoch", epoch=epoch, pods=swept, of_about=swept + unswept, seconds=now - opened_at
                )

    def sent(self, *, unswept: int, live: int, now: float) -> None:
        """Something of the open epoch has been handed out; `unswept` pods of it have not."""
        if self._sending is not None and not unswept:
            epoch, opened_at, _ = self._sending
            self._sending = None
            self._log.info("epoch sent", epoch=epoch, pods=live, seconds=now - opened_at)

    def left_out(self, kind: Kind, now: float) -> None:
        """Records could not be decoded; they are counted by kind."""
        held_back = self._seldom.held_back(kind, now)
        if held_back is not None:
            self._log.warning("records left out", kind=kind, why="they cannot be decoded", held_back=held_back)
