"""The vocabulary of the list/watch machine: what it knows, what it is told, and what it orders. `reflect` has the rules."""

from enum import StrEnum
from typing import Final, Literal

import msgspec

from common.backoff import Backoff
from common.messages import Condition
from common.records import ResourceVersion

FRESH: Final = Backoff(first_seconds=0.8, most_seconds=30.0, quiet_seconds=120.0)
"""client-go's reflector backs off from 0.8 s to 30 s, and starts over after two quiet minutes."""

UNREACHED: Final = Backoff(first_seconds=0.8, most_seconds=4.0, quiet_seconds=120.0)
"""For a server that nobody answers for: an attempt costs next to nothing, and it is found soon after its return. Kept apart, so that
hours without a server do not make the first refusal after its return a long one."""

Streaming = Literal["auto", "always", "never"]
"""Whether to ask for streaming lists: `auto` takes one only in protobuf, since in JSON it costs the server more than pages do."""


class Reason(StrEnum):
    """Why a list begins. The value is the word of logs and metrics."""

    START = "start"
    """Of this process: nothing is known."""
    EXPIRED = "expired"
    """410: the server has forgotten the version to go on from."""
    GARBAGE = "garbage"
    """What came could not be read, and there is no good event to go on from."""


class Fault(StrEnum):
    """Why a list or watch ended before all was said. The value is the word of logs and metrics."""

    UNREACHABLE = "unreachable"
    """No connection could be made."""
    LOST = "lost"
    """The connection broke."""
    SILENT = "silent"
    """Nothing came for too long."""
    ENDED = "ended"
    """By the server, in order: no watch lasts for ever."""
    REFUSED = "refused"
    """Another status than those below."""
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    EXPIRED = "expired"
    GARBLED = "garbled"
    """It could not be read."""


# What is wanted next, and what is going on -----------------------------------------------------------------------------------------


class WantList(msgspec.Struct, frozen=True, kw_only=True):
    """A list, from its beginning."""

    reason: Reason


class WantWatch(msgspec.Struct, frozen=True, kw_only=True):
    """A watch that goes on from a version."""

    resource_version: ResourceVersion


class WantPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a list that an error held up: the pages before it need not be asked for again."""

    reason: Reason
    token: str


Want = WantList | WantPage | WantWatch


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked until `until` (monotonic seconds)."""

    want: Want
    until: float


class ListStream(msgspec.Struct, frozen=True, kw_only=True):
    """A streaming list: asked for, or sending its initial events."""

    reason: Reason


class ListPages(msgspec.Struct, frozen=True, kw_only=True):
    """A page is asked for: the first (no token), or the next."""

    reason: Reason
    token: str | None = None


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A watch is open, or asked for."""

    resource_version: ResourceVersion
    opened_at: float
    progressed: bool = False
    """Something has come on this very watch."""


Activity = Waiting | ListStream | ListPages | Watch


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a state means to those who read the store. That a watch moves on changes nothing of it."""

    condition: Condition
    """What the matcher is told."""
    listed: bool
    denied: bool
    watches: bool
    """There is nothing to wait for but what the API server says."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the machine knows."""

    activity: Activity
    streaming: bool
    """Streaming lists are worth asking for: wanted, and not refused so far."""
    only_protobuf: bool
    """A streaming list in JSON is given up for pages."""
    listed: bool = False
    """A list has been completed in this life: the store holds all that there was at one moment."""
    denied: str | None = None
    """The API server's text for a 403 that stands."""
    timeout_seconds: int | None = None
    """When the server is asked to end each watch; None: when it likes to."""
    backoff: Backoff = FRESH
    unreached: Backoff = UNREACHED

    @property
    def standing(self) -> Standing:
        """What it means to readers."""
        condition = Condition.FOLLOWING if self.listed else Condition.LISTING
        return Standing(
            condition=condition if self.denied is None else Condition.FORBIDDEN,
            listed=self.listed,
            denied=self.denied is not None,
            watches=isinstance(self.activity, Watch),
        )


def initial(streaming: Streaming) -> State:
    """Nothing is known: the first tick lists."""
    return State(
        activity=Waiting(want=WantList(reason=Reason.START), until=float("-inf")),
        streaming=streaming != "never",
        only_protobuf=streaming == "auto",
    )


# What happens --------------------------------------------------------------------------------------------------------------------


class Tick(msgspec.Struct, frozen=True):
    """Time has passed."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Status 200 and its headers have come."""

    protobuf: bool


class PageTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A page has gone to the store."""

    resource_version: ResourceVersion
    token: str | None


class InitialEventsEnded(msgspec.Struct, frozen=True, kw_only=True):
    """The bookmark that closes a streaming list's initial events."""

    resource_version: ResourceVersion


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Another status than 200, or an ERROR event with that code."""

    code: int
    message: str
    retry_after_seconds: float | None = None


class Unreachable(msgspec.Struct, frozen=True, kw_only=True):
    """No connection could be made."""

    why: str


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The connection broke."""

    why: str


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing has come for so long that the connection was closed."""

    seconds: float


class Garbled(msgspec.Struct, frozen=True, kw_only=True):
    """The response is not what was asked for."""

    why: str


class Ended(msgspec.Struct, frozen=True):
    """The response is over, as HTTP wants it."""


Event = Tick | Answered | PageTaken | InitialEventsEnded | Refused | Unreachable | Lost | Silent | Garbled | Ended


# What to do ------------------------------------------------------------------------------------------------------------------------


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Send a GET with this query, on the connection of the page before it where that stands."""

    query: dict[str, str]
    watch: bool


class HangUp(msgspec.Struct, frozen=True):
    """Close the connection: nothing more is wanted from it."""


class BeginList(msgspec.Struct, frozen=True, kw_only=True):
    """Tell the store that a list begins: what it does not mention by `FinishList` is gone."""

    reason: Reason


class FinishList(msgspec.Struct, frozen=True):
    """The list is complete."""


class ReadCredentials(msgspec.Struct, frozen=True):
    """Read kubeconfig or token again before the next request."""


class Tell(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person on call would ask about."""

    fault: Fault
    why: str
    wait_seconds: float


Action = Ask | HangUp | BeginList | FinishList | ReadCredentials | Tell
