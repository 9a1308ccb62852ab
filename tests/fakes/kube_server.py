"""A small API server in memory, by the rules of the Kubernetes API concepts: versions, pages of one moment, watches, compaction.

It has no socket: a `ServedChannel` asks it, and the test decides when and how much of a response arrives.
"""

import copy
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.fakes.kube_wire import Media, Object, pod
from watcher.channel import Broken, Happening, NoConnection, Read, Request

PAGE = 2
"""Objects on a page, whatever limit is asked for: lists of a few objects have pages then."""


@dataclass
class Change:
    """One entry of the history."""

    version: int
    type_: str
    object_: Object


@dataclass
class KubeServer:
    """Pods by UID, and what happened to them."""

    media: Media
    streaming: bool
    """Has streaming lists; else they are refused as a server without them does."""
    version: int = 10
    pods: dict[str, Object] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)
    compacted: int = 0
    """Versions up to this one, and pages of them, are gone."""
    moments: dict[int, list[Object]] = field(default_factory=dict)
    """What a list that has begun shows, by its version."""
    refusals: list[int] = field(default_factory=list)
    """Statuses for the next requests."""
    away: bool = False

    def apply(self, uid: str, ip: str) -> None:
        """Makes or changes a pod."""
        type_ = "MODIFIED" if uid in self.pods else "ADDED"
        self.version += 1
        self.pods[uid] = pod(uid, version=self.version, ip=ip)
        self.history.append(Change(self.version, type_, self.pods[uid]))

    def delete(self, uid: str) -> None:
        """Deletes a pod that is there."""
        self.version += 1
        gone = copy.deepcopy(self.pods.pop(uid))
        gone["metadata"]["resourceVersion"] = str(self.version)
        self.history.append(Change(self.version, "DELETED", gone))

    def compact(self) -> None:
        """Forgets the history."""
        self.compacted = self.version
        self.history.clear()
        self.moments.clear()

    def answer(self, request: Request) -> "Response":
        """Begins a response."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(request.target).query).items()}
        if self.refusals:
            return self._refuse(self.refusals.pop(0), "as ordered")
        if "sendInitialEvents" in query:
            return self._stream() if self.streaming else self._refuse(422, "sendInitialEvents is forbidden")
        if "watch" in query:
            return Response(self, position=int(query["resourceVersion"]))
        return self._page(query.get("continue"))

    def _refuse(self, code: int, why: str) -> "Response":
        return Response(self, status=code, pending=self.media.status(code, why), length=True)

    def _page(self, token: str | None) -> "Response":
        version, at = (int(part) for part in token.split("/")) if token else (self.version, 0)
        if token is None:
            self.moments[version] = [self.pods[uid] for uid in sorted(self.pods)]
        elif version not in self.moments:
            return self._refuse(410, "the token is too old")
        items = self.moments[version]
        more = f"{version}/{at + PAGE}" if at + PAGE < len(items) else ""
        body = self.media.page(
            items[at : at + PAGE], version=version, token=more, remaining=max(0, len(items) - at - PAGE)
        )
        return Response(self, pending=body, length=True)

    def _stream(self) -> "Response":
        initial = b"".join(self.media.event("ADDED", one) for one in self.pods.values())
        ends = self.media.bookmark(self.version, ends_initial_events=True)
        return Response(self, pending=initial + ends, position=self.version)


@dataclass
class Response:
    """A response as far as the server has got with it."""

    server: KubeServer
    status: int = 200
    pending: bytes = b""
    position: int = 0
    """Of a watch: the version up to which it has sent."""
    length: bool = False
    """It ends when `pending` is sent; a watch goes on."""
    begun: bool = False

    def advance(self) -> None:
        """Writes what has happened since to a watch."""
        server = self.server
        if self.length:
            return
        if self.position < server.compacted:
            self.pending += server.media.error(410, "too old resource version")
            self.length = True
            return
        for change in server.history:
            if change.version > self.position:
                self.pending += server.media.event(change.type_, change.object_)
        self.position = max(self.position, server.version)

    def bookmark(self) -> None:
        """A watch tells how far it is."""
        self.advance()
        if not self.length:
            self.pending += self.server.media.bookmark(self.position)


class ServedChannel:
    """A `watcher.channel.Channel` to such a server."""

    def __init__(self, server: KubeServer) -> None:
        self.server = server
        self.request: Request | None = None
        self.response: Response | None = None
        self.asks = 0

    def ask(self, request: Request) -> None:
        assert self.request is None, "asked anew before the request before was over"
        self.request, self.response = request, None
        self.asks += 1

    def hang_up(self) -> None:
        self.request = self.response = None

    def forget_credentials(self) -> None:
        pass

    def arrive(self, most: int) -> Happening | None:
        """At most so many bytes of the body; the response may begin and end with them."""
        if self.request is None:
            return None
        if self.response is None:
            if self.server.away:
                self.hang_up()
                return NoConnection("refused")
            self.response = self.server.answer(self.request)
        response = self.response
        response.advance()
        body, response.pending = response.pending[:most], response.pending[most:]
        began, response.begun = not response.begun, True
        complete = response.length and not response.pending
        if complete:
            self.hang_up()
        headers = {"content-type": self.server.media.content_type}
        return Read(response.status, headers, began=began, parts=[body], complete=complete)

    def cut(self) -> Happening | None:
        """The connection breaks, wherever it was."""
        if self.request is None:
            return None
        self.hang_up()
        return Broken("it was closed")

    def garble(self) -> Happening | None:
        """Junk in the place of a watch's next event."""
        response = self.response
        if response is None or response.length or response.pending or not response.begun:
            return None
        return Read(200, {}, began=False, parts=[b"\x00\x00\x00\x05<html\n"], complete=False)
