"""Objects, lists and watch events as the bytes that go to clients, joined from the pieces that the tables keep.

An object of a list has no kind of its own, except in a `PartialObjectMetadataList`; an object alone, or in an event, always has one.
"""

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Final

import msgspec

from sandbox.resources import PODS, Resource
from sandbox.tables import Stored

META: Final = "meta.k8s.io/v1"
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
BLOCK_OBJECTS: Final = 500
"""Objects that are joined at a time: the loop serves others in between."""


class Form(Enum):
    """How much of an object the client wants."""

    FULL = "full"
    METADATA = "PartialObjectMetadata"


class Renderer:
    """Writes one resource in one form."""

    def __init__(self, resource: Resource, form: Form) -> None:
        self._form = form
        kind, version = (resource.kind, resource.api_version) if form is Form.FULL else (form.value, META)
        typed = f'{{"kind":"{kind}","apiVersion":"{version}",'
        # A pod that was never filled in has no list of containers: real servers write null.
        spec = '{"containers":null}' if resource == PODS else "{}"
        rest = f',"spec":{spec},"status":{{}}' if form is Form.FULL else ""
        self._list = f'{{"kind":"{kind}List","apiVersion":"{version}","metadata":'.encode()
        self._alone = f'{typed}"metadata":{{"resourceVersion":"'.encode()
        self._item = b'{"metadata":{"resourceVersion":"' if form is Form.FULL else self._alone
        self._bookmark_rest = rest.encode()

    def object(self, stored: Stored) -> bytes:
        """An object alone."""
        return b"".join(self._pieces(self._alone, stored))

    def event(self, type_: str, stored: Stored) -> bytes:
        """A line of a watch."""
        head = b'{"type":"' + type_.encode() + b'","object":'
        return b"".join((head, *self._pieces(self._alone, stored), b"}\n"))

    def bookmark(self, version: int, *, ends_initial_events: bool) -> bytes:
        """A line of a watch that says how far it has come."""
        annotations = f',"annotations":{{"{INITIAL_EVENTS_END}":"true"}}' if ends_initial_events else ""
        metadata = f'{version}"{annotations}}}'.encode()
        return b"".join((b'{"type":"BOOKMARK","object":', self._alone, metadata, self._bookmark_rest, b"}}\n"))

    def page(self, objects: list[Stored], *, version: int, continue_: str, remaining: int | None) -> Iterator[bytes]:
        """The blocks of a list's body."""
        metadata: dict[str, str | int] = {"resourceVersion": str(version)}
        if continue_:
            metadata["continue"] = continue_
        if remaining:
            metadata["remainingItemCount"] = remaining
        yield self._list + msgspec.json.encode(metadata) + b',"items":['
        for at in range(0, len(objects), BLOCK_OBJECTS):
            yield self._block(objects[at : at + BLOCK_OBJECTS], first=at == 0)
        yield b"]}\n"

    def _block(self, objects: list[Stored], *, first: bool) -> bytes:
        pieces: list[bytes] = []
        for stored in objects:
            pieces.append(b",")
            pieces.extend(self._pieces(self._item, stored))
        return b"".join(pieces[1:] if first else pieces)

    def _pieces(self, head: bytes, stored: Stored) -> Iterable[bytes]:
        version = str(stored.version).encode()
        if self._form is Form.METADATA:
            return (head, version, b'"', *stored.metadata, b"}")
        return (
            head,
            version,
            b'"',
            *stored.metadata,
            b',"spec":',
            *stored.spec,
            b',"status":',
            *stored.status,
            b"}",
        )


def error_event(status: bytes) -> bytes:
    """The line of a watch that says why it ends."""
    return b'{"type":"ERROR","object":' + status + b"}\n"
