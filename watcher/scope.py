"""One scope of a kind (the cluster, or one namespace): follows it through the list/watch machine and keeps its records.

It joins the pure parts: the machine says what to ask and when, the decoder reads what comes, the normalizer and the store say what of
it is new. What is new it gives as events to publish, in order.
"""

import random
from typing import Final, assert_never

from common.logs import Log
from common.messages import Apply, Delete, Event, Init, InitDone
from common.records import UID, Kind, ResourceVersion
from watcher import reflect, states
from watcher.channel import Broken, Channel, Happening, NoConnection, Nonsense, Read, Request, Silent, query_string
from watcher.decode import BadObject, BadStream, Bookmark, Changed, Decoder, Deleted, Failure, Item, Splitter
from watcher.decode_json import JsonDecoder
from watcher.decode_protobuf import ProtobufDecoder
from watcher.http1 import retry_after_seconds
from watcher.journal import Journal
from watcher.listing import Listing
from watcher.normalize import NORMALIZERS
from watcher.objects import PartialObject, Pod
from watcher.settings import Encoding
from watcher.store import Store
from watcher.tally import Counts

PATHS: Final[dict[Kind, tuple[str, str]]] = {
    "pods": ("/api/v1", "pods"),
    "replicasets": ("/apis/apps/v1", "replicasets"),
    "jobs": ("/apis/batch/v1", "jobs"),
}

LONGEST_REFUSAL_BYTES: Final = 1024 * 1024
"""Of a body that says why there is no list or watch; what is longer is no metav1.Status."""

LONGEST_MESSAGE: Final = 500
"""Characters of a server's text that are shown to people."""


def accept(kind: Kind, encoding: Encoding, *, watch: bool) -> str:
    """The Accept header. Owners are asked for as PartialObjectMetadata; JSON is always taken."""
    partial = f";as=PartialObjectMetadata{'' if watch else 'List'};v=v1;g=meta.k8s.io" if kind != "pods" else ""
    json = f"application/json{partial}"
    if encoding == "json":
        return json
    return f"application/vnd.kubernetes.protobuf{partial}{';stream=watch' if watch else ''},{json}"


def _short(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


class Scope:
    """Follows one kind in one namespace, or in all (`namespace` None)."""

    def __init__(
        self,
        *,
        kind: Kind,
        namespace: str | None,
        selectors: dict[str, str],
        encoding: Encoding,
        streaming: states.Streaming,
        channel: Channel,
        log: Log,
        random_: random.Random,
    ) -> None:
        self.kind: Kind = kind
        self.namespace = namespace
        self.store = Store()
        self.counts = Counts()
        self._state = states.initial(streaming)
        """As the last step left it."""
        self._reached = ResourceVersion("")
        """How far objects have come since; none as yet."""
        self.standing = self._state.standing
        """The state's; another object after everything but objects and how far they reach."""
        self.listing: Listing | None = None
        """The list under way, waits in its midst included."""
        self.last_error = ""
        self.event_at = float("-inf")
        """When an object came last, in a list or a watch (monotonic seconds)."""
        self.bookmark_at = float("-inf")
        self.selectors = selectors
        self._encoding: Encoding = encoding
        self._channel = channel
        self._journal = Journal(log, namespace=namespace)
        self._random = random_
        self._normalize = NORMALIZERS[kind]
        self._decoders: dict[bool, Decoder] = {}
        """By whether they are for protobuf."""
        self._decoder: Decoder
        """For what the newest response is made of."""
        self._splitter: Splitter | None = None
        self._watching = False
        self._body: list[bytes] = []
        self._events: list[Event] = []

    @property
    def state(self) -> states.State:
        """Where it stands, with how far objects have come: made when somebody asks, which is not at each event. Threads beside the
        loop's may find the version of a moment before."""
        state, reached = self._state, self._reached
        return reflect.advance(state, reached) if reached else state

    @property
    def streams_list(self) -> bool:
        """Objects come as fast as the API server can send them, and nobody waits for a single one."""
        return self._watching and self.listing is not None

    def tick(self, now: float) -> list[Event]:
        """Lets time pass."""
        self._step(states.Tick(), now)
        if self.listing is not None:
            self._journal.list_goes_on(self.listing, now)
        return self._taken()

    def take(self, happening: Happening, now: float) -> list[Event]:
        """What a happening on the channel means to the readers."""
        match happening:
            case Read():
                self._read(happening, now)
            case NoConnection(why=why):
                self._step(states.Unreachable(why=why), now)
            case Broken(why=why):
                self._step(states.Lost(why=why), now)
            case Silent(seconds=seconds):
                self._step(states.Silent(seconds=seconds), now)
            case Nonsense(why=why):
                self._step(states.Garbled(why=why), now)
            case _:
                assert_never(happening)
        return self._taken()

    def _taken(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _read(self, read: Read, now: float) -> None:
        if read.began:
            self._begin_response(read, now)
        if self._splitter is None:  # hung up: what still came of it is not wanted
            return
        if read.status == 200 and self._watching:
            self._take_watch(self._splitter, read.parts, now)
            if read.complete and self._splitter is not None:
                self._step(states.Ended(), now)
            return
        self._body.extend(read.parts)
        if read.complete or (read.status != 200 and sum(map(len, self._body)) > LONGEST_REFUSAL_BYTES):
            body, self._body = b"".join(self._body), []
            self._take_page(body, now) if read.status == 200 else self._take_refusal(read, body, now)

    def _begin_response(self, read: Read, now: float) -> None:
        protobuf = "protobuf" in read.headers.get("content-type", "")
        if protobuf not in self._decoders:  # made when needed: the one of JSON takes half a megabyte
            make = ProtobufDecoder if protobuf else JsonDecoder
            self._decoders[protobuf] = make(Pod if self.kind == "pods" else PartialObject)
        self._decoder = self._decoders[protobuf]
        self._splitter, self._body = self._decoder.splitter(), []
        if read.status == 200:
            self._step(states.Answered(protobuf=protobuf), now)

    def _take_page(self, body: bytes, now: float) -> None:
        try:
            page = self._decoder.page(body)
        except BadStream as error:
            self._step(states.Garbled(why=str(error)), now)
            return
        self.counts.pages += 1
        if page.unreadable:
            self._unreadable(page.unreadable, now)
        if self.listing is not None:
            self.listing.objects += len(page.items)
            self.listing.remaining = page.remaining
        self.event_at = now
        for item in page.items:
            self._apply(item, now)
        self._step(states.PageTaken(resource_version=page.resource_version, token=page.continue_token), now)

    def _take_watch(self, splitter: Splitter, parts: list[bytes], now: float) -> None:
        version = ResourceVersion("")
        over: states.Event | None = None
        try:
            for piece in splitter.feed(parts):
                try:
                    event = self._decoder.event(piece)
                except BadObject:
                    self._unreadable(1, now)
                    continue
                match event:
                    case Changed(item=item):
                        self._apply(item, now)
                        if self.listing is not None:
                            self.listing.objects += 1
                        self.event_at = now
                        version = ResourceVersion(item.metadata.resourceVersion or "") or version
                    case Deleted():
                        self._delete(event.uid, now)
                        self.event_at = now
                        version = event.resource_version or version
                    case Bookmark():
                        self._bookmark(event, now)
                        version = event.resource_version
                    case Failure(code=code, message=message):
                        over = states.Refused(code=code, message=_short(message))
                        break
                    case _:
                        assert_never(event)
        except BadStream as error:
            over = states.Garbled(why=str(error))
        if version:
            self._reached = version
        if over:
            self._step(over, now)

    def _bookmark(self, bookmark: Bookmark, now: float) -> None:
        self.counts.bookmarks += 1
        self.bookmark_at = now
        if bookmark.ends_initial_events:
            self._step(states.InitialEventsEnded(resource_version=bookmark.resource_version), now)

    def _unreadable(self, count: int, now: float) -> None:
        self.counts.unreadable += count
        self._journal.left_out("unreadable", now)

    def _without_uid(self, now: float) -> None:
        self.counts.without_uid += 1
        self._journal.left_out("without_uid", now)

    def _delete(self, uid: UID, now: float) -> None:
        if not uid:
            self._without_uid(now)
        elif self.store.delete(uid):
            self.counts.deleted += 1
            self._events.append(Delete(uid))

    def _apply(self, item: Item, now: float) -> None:
        record = self._normalize(item)  # type: ignore[arg-type]  # the decoder was made for this kind
        if record is None:
            self._without_uid(now)
            return
        if self.store.apply(record):
            self.counts.changed += 1
            self._events.append(Apply(record))
        else:
            self.counts.unchanged += 1

    def _take_refusal(self, read: Read, body: bytes, now: float) -> None:
        failure = self._decoder.failure(body)
        told = _short(failure.message) if failure else ""
        message = told or f"{'watch' if self._watching else 'list'} of {self.kind}: no reason given by whoever answered"
        seconds = retry_after_seconds(read.headers)
        self._step(states.Refused(code=read.status, message=message, retry_after_seconds=seconds), now)

    def _step(self, event: states.Event, now: float) -> None:
        before, self._reached = self.state, ResourceVersion("")
        self._state, actions = reflect.step(before, event, now, random_=self._random)
        self.standing = self._state.standing
        if isinstance(event, states.Answered):
            self._journal.answered(before, self._state)
        for action in actions:
            self._do(action, before, now)

    def _do(self, action: states.Action, before: states.State, now: float) -> None:
        match action:
            case states.Ask(query=query, watch=watch):
                self._ask(query, watch=watch)
            case states.HangUp():
                self._splitter, self._body = None, []
                self._channel.hang_up()
            case states.BeginList(reason=reason):
                self.counts.lists[reason] += 1
                self.listing = Listing(held=len(self.store))
                self.store.begin_list()
                self._events.append(Init())
                self._journal.list_begun(reason, now)
            case states.FinishList():
                self.listing = None
                gone = self.store.finish_list()
                self.counts.deleted += len(gone)
                self._events.extend(map(Delete, gone))
                self._events.append(InitDone())
                self._journal.list_done(objects=len(self.store), gone=len(gone), now=now)
            case states.ReadCredentials():
                self._channel.forget_credentials()
                self._journal.credentials_read_again()
            case states.Tell(fault=fault, why=why):
                self.counts.faults[fault] += 1
                if not (fault is states.Fault.ENDED and before.timeout_seconds):  # as it was asked to
                    self.last_error = f"{fault}: {why}"
                self._journal.ended(action, before, now)
            case _:
                assert_never(action)

    def _ask(self, query: dict[str, str], *, watch: bool) -> None:
        self._watching, self._splitter = watch, None
        root, resource = PATHS[self.kind]
        path = f"{root}/namespaces/{self.namespace}/{resource}" if self.namespace else f"{root}/{resource}"
        target = f"{path}?{query_string(query | self.selectors)}"
        self._channel.ask(Request(target=target, accept=accept(self.kind, self._encoding, watch=watch)))
