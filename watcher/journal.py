"""What a scope tells people of its lists and watches: one line for each transition that somebody on call would ask about.

A failure that repeats is told once a minute. A watch that the server ends because it was asked to (`State.timeout_seconds`), and the
next one, are routine and told at debug level.
"""

from common.logs import Log, Seldom
from common.telling import Telling
from watcher.listing import Listing
from watcher.states import Fault, Reason, State, Tell, Watch


class Journal:
    """Of one scope. `now` is monotonic seconds."""

    def __init__(self, log: Log, *, namespace: str | None) -> None:
        self._log = log
        self._namespace = namespace or "all"
        self._seldom = Seldom()
        self._list_reason = Reason.START
        self._list_begun_at = 0.0
        self._telling = Telling(0.0)
        self._opens_by_routine = False

    def list_begun(self, reason: Reason, now: float) -> None:
        self._list_reason, self._list_begun_at, self._telling = reason, now, Telling(now)
        self._log.info("list begun", namespace=self._namespace, reason=reason)

    def list_goes_on(self, listing: Listing, now: float) -> None:
        """A list is under way; call it as often as you like."""
        if self._telling.due(listing.objects, now):
            self._log.info(
                "listing",
                namespace=self._namespace,
                objects=listing.objects,
                of_about=listing.of_about,
                seconds=now - self._list_begun_at,
            )

    def list_done(self, *, objects: int, gone: int, now: float) -> None:
        self._log.info(
            "list done",
            namespace=self._namespace,
            reason=self._list_reason,
            objects=objects,
            gone=gone,
            seconds=now - self._list_begun_at,
        )

    def answered(self, before: State, after: State) -> None:
        """The server has begun to send what was asked for."""
        if before.denied is not None and after.denied is None:
            self._log.info("allowed again", namespace=self._namespace)
        if isinstance(after.activity, Watch):
            tell = self._log.debug if self._opens_by_routine else self._log.info
            tell("watch opened", namespace=self._namespace, resource_version=after.activity.resource_version)
            self._opens_by_routine = False

    def ended(self, tell: Tell, before: State, now: float) -> None:
        """A list or watch is over before all was said; `before` is the state that it was over in."""
        what = "watch" if isinstance(before.activity, Watch) else "list"
        fields = {"namespace": self._namespace, "reason": tell.fault, "why": tell.why}
        if tell.wait_seconds or (tell.fault is Fault.SILENT and before.timeout_seconds):
            held_back = self._seldom.held_back(f"{what} {tell.fault} {tell.why}", now)
            if held_back is not None:
                self._log.warning(f"{what} failed", **fields, retry_in_seconds=tell.wait_seconds, held_back=held_back)
            return
        self._opens_by_routine = tell.fault is Fault.ENDED and before.timeout_seconds is not None
        (self._log.debug if self._opens_by_routine else self._log.info)(f"{what} ended", **fields)

    def credentials_read_again(self) -> None:
        self._log.info("credentials are read again", namespace=self._namespace)

    def left_out(self, reason: str, now: float) -> None:
        """Objects could not be taken; they are counted by reason."""
        held_back = self._seldom.held_back(reason, now)
        if held_back is not None:
            self._log.warning("objects left out", namespace=self._namespace, reason=reason, held_back=held_back)
