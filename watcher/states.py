"""The vocabulary of the list/watch machine: what it knows, what it is told, and what it orders. `reflect` has the rules."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

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


@dataclass(frozen=True, kw_only=True)
class WantList:
    """A list, from its beginning."""

    reason: Reason


@dataclass(frozen=True, kw_only=True)
class WantWatch:
    """A watch that goes on from a version."""

    resource_version: ResourceVersion


@dataclass(frozen=True, kw_only=True)
class WantPage:
    """The page of a list that an error held up: the pages before it need not be asked for again."""

    reason: Reason
    token: str


Want = WantList | WantPage | WantWatch


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Nothing is asked until `until` (monotonic seconds)."""

    want: Want
    until: float


@dataclass(frozen=True, kw_only=True)
class ListStream:
    """A streaming list: asked for, or sending its initial events."""

    reason: Reason


@dataclass(frozen=True, kw_only=True)
class ListPages:
    """A page is asked for: the first (no token), or the next."""

    reason: Reason
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Watch:
    """A watch is open, or asked for."""

    resource_version: ResourceVersion
    opened_at: float
    progressed: bool = False
    """Something has come on this very watch."""


Activity = Waiting | ListStream | ListPages | Watch


@dataclass(frozen=True, kw_only=True)
class State:
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
    def condition(self) -> Condition:
        """What the matcher is told."""
        if self.denied is not None:
            return Condition.FORBIDDEN
        return Condition.FOLLOWING if self.listed else Condition.LISTING


def initial(streaming: Streaming) -> State:
    """Nothing is known: the first tick lists."""
    return State(
        activity=Waiting(want=WantList(reason=Reason.START), until=float("-inf")),
        streaming=streaming != "never",
        only_protobuf=streaming == "auto",
    )


# What happens --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Status 200 and its headers have come."""

    protobuf: bool


@dataclass(frozen=True, kw_only=True)
class PageTaken:
    """A page has gone to the store."""

    resource_version: ResourceVersion
    token: str | None


@dataclass(frozen=True, kw_only=True)
class Advanced:
    """What a read of a watch brought has gone to the store, up to this version."""

    resource_version: ResourceVersion


@dataclass(frozen=True, kw_only=True)
class InitialEventsEnded:
    """The bookmark that closes a streaming list's initial events."""

    resource_version: ResourceVersion


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Another status than 200, or an ERROR event with that code."""

    code: int
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Unreachable:
    """No connection could be made."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The connection broke."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Silent:
    """Nothing has come for so long that the connection was closed."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Garbled:
    """The response is not what was asked for."""

    why: str


@dataclass(frozen=True)
class Ended:
    """The response is over, as HTTP wants it."""


Event = (
    Tick
    | Answered
    | PageTaken
    | Advanced
    | InitialEventsEnded
    | Refused
    | Unreachable
    | Lost
    | Silent
    | Garbled
    | Ended
)


# What to do ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ask:
    """Send a GET with this query, on the connection of the page before it where that stands."""

    query: dict[str, str]
    watch: bool


@dataclass(frozen=True)
class HangUp:
    """Close the connection: nothing more is wanted from it."""


@dataclass(frozen=True, kw_only=True)
class BeginList:
    """Tell the store that a list begins: what it does not mention by `FinishList` is gone."""

    reason: Reason


@dataclass(frozen=True)
class FinishList:
    """The list is complete."""


@dataclass(frozen=True)
class ReadCredentials:
    """Read kubeconfig or token again before the next request."""


@dataclass(frozen=True, kw_only=True)
class Tell:
    """Something a person on call would ask about."""

    fault: Fault
    why: str
    wait_seconds: float


Action = Ask | HangUp | BeginList | FinishList | ReadCredentials | Tell
