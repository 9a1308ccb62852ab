"""What both decoders of API responses give, and when they refuse. The decoders are `decode_json` and `decode_protobuf`."""

from typing import Protocol

import msgspec

from common.records import UID, ResourceVersion
from watcher.objects import PartialObject, Pod

Item = Pod | PartialObject
"""An object of a list or a watch; by protobuf, a message with the same attributes."""


class BadObject(Exception):
    """One object that cannot be read, while what stands beside it can: to be counted and left out."""


class BadStream(Exception):
    """A response that is not what was asked for; nothing after this point can be trusted. Its text quotes nothing of it."""


class Page(msgspec.Struct, frozen=True, gc=False):
    """One page of a list, or a whole one."""

    items: list[Item]
    unreadable: int
    """Objects that were left out because they could not be read."""
    resource_version: ResourceVersion
    continue_token: str | None
    remaining: int | None
    """`remainingItemCount`: objects on later pages, where the server tells."""


class Changed(msgspec.Struct, frozen=True, gc=False):
    """ADDED or MODIFIED."""

    item: Item


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """DELETED. Nothing else of the object is looked at, so nothing else of it can be bad."""

    uid: UID
    """Empty where the server left it out."""
    resource_version: ResourceVersion
    """Of the deletion; empty where the server left it out."""


class Bookmark(msgspec.Struct, frozen=True, gc=False):
    """BOOKMARK: everything up to this version has been sent."""

    resource_version: ResourceVersion
    ends_initial_events: bool
    """It closes the initial events of a streaming list (KEP-3157)."""


class Failure(msgspec.Struct, frozen=True, gc=False):
    """ERROR: the watch is over, with a metav1.Status's code and text."""

    code: int
    message: str


WatchEvent = Changed | Deleted | Bookmark | Failure

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
"""The annotation, with the value `true`, of the bookmark that closes a streaming list's initial events (KEP-3157)."""

LARGEST_EVENT_BYTES = 64 * 1024 * 1024
"""A watch event longer than this is no event. etcd takes objects of 1.5 MiB; a server that sends more than this is broken."""


class Splitter(Protocol):
    """Cuts a watch's body, which comes in any pieces, into events."""

    def feed(self, parts: list[bytes]) -> list[bytes]:
        """The events that are complete now. Raises BadStream when what came can be no event."""
        ...


class Decoder(Protocol):
    """Reads one media type's lists and watch events."""

    def page(self, body: bytes) -> Page:
        """Raises BadStream."""
        ...

    def event(self, data: bytes) -> WatchEvent:
        """Raises BadObject for an event to leave out, BadStream for one that shows that the stream is broken."""
        ...

    def splitter(self) -> Splitter:
        """For one watch's body."""
        ...

    def failure(self, body: bytes) -> Failure | None:
        """The Status in the body of a response that is not 200, where there is one."""
        ...
