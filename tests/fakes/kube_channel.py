"""A channel without a socket: it notes what a scope asks for, and makes what a server would answer."""

from tests.fakes.kube_wire import PROTOBUF, Media
from watcher.channel import Read, Request


class NotingChannel:
    """A `watcher.channel.Channel`."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.request: Request | None = None
        """What is asked at the moment."""
        self.hang_ups = 0
        self.forgotten = 0

    def ask(self, request: Request) -> None:
        assert self.request is None, "asked anew before the request before was over"
        self.asked.append(request)
        self.request = request

    def hang_up(self) -> None:
        self.hang_ups += 1
        self.request = None

    def forget_credentials(self) -> None:
        self.forgotten += 1

    @property
    def target(self) -> str:
        """Of what is asked at the moment."""
        assert self.request is not None, "nothing is asked"
        return self.request.target

    def answer(self, body: bytes, *, status: int = 200, media: Media = PROTOBUF, **headers: str) -> Read:
        """A whole response in one read."""
        self.request = None
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return Read(status, {"content-type": media.content_type, **told}, began=True, parts=[body], complete=True)

    def begin(self, body: bytes = b"", *, status: int = 200, media: Media = PROTOBUF) -> Read:
        """A response's headers, and the first of its body."""
        return Read(status, {"content-type": media.content_type}, began=True, parts=[body], complete=False)

    def more(self, body: bytes, *, status: int = 200, complete: bool = False) -> Read:
        """More of a response that has begun."""
        if complete:
            self.request = None
        return Read(status, {}, began=False, parts=[body], complete=complete)
