"""The list/watch machine: when to list, when to watch, when to wait, and what each answer of the API server means. Pure.

`step(state, event, now)` gives the next state and what to do. It holds no object: pages and events go to the store beside it, and it
is told only how far they reach. The rules are those of the Kubernetes API concepts (Efficient detection of changes) and of
client-go's reflector:

- A list at no particular version is consistent; its pages are of one version, and the watch goes on from that version.
- A streaming list (KEP-3157) is a watch that begins with every object and marks their end with an annotated bookmark. A
  server that does not have it rejects the parameters (400, 422).
- No byte need come on a watch, and no bookmark does, while nothing happens to the kind, on old servers and new ones (tests/contract).
  So once a watch has been silent for too long, each one after it has a timeout below that: a live server ends it in order, and
  only a dead one is silent again.
- 410 means that the version is too old: list again. Every other end of a watch goes on from the last version seen.
"""

import random
from typing import Final, assert_never

import msgspec

from common.records import ResourceVersion
from watcher.states import (
    Action,
    Activity,
    Answered,
    Ask,
    BeginList,
    Ended,
    Event,
    Fault,
    FinishList,
    Garbled,
    HangUp,
    InitialEventsEnded,
    ListPages,
    ListStream,
    Lost,
    PageTaken,
    ReadCredentials,
    Reason,
    Refused,
    Silent,
    State,
    Tell,
    Tick,
    Unreachable,
    Waiting,
    Want,
    WantList,
    WantPage,
    WantWatch,
    Watch,
)

PAGE_SIZE: Final = 500
"""Objects on a page: what client-go's pager asks for."""

FORBIDDEN_WAIT_SECONDS: Final = 30.0
"""Between attempts while access is denied: rights come back by a person's hand, and each attempt is an audit record."""

SETTLED_SECONDS: Final = 1.0
"""A watch that lasted this long is opened again at once when it ends: once a second at most is no loop."""

TIMEOUT_SHARE: Final = 0.8
"""A watch's timeout, as a share of the silence that is taken for death: leaves 30 of 150 s for the end to arrive."""

Step = tuple[State, list[Action]]


def step(state: State, event: Event, now: float, *, random_: random.Random) -> Step:
    """The next state, and what to do in order. `now` is monotonic seconds; `random_` gives the jitter."""
    match event:
        case Tick():
            return _tick(state, now)
        case _ if isinstance(state.activity, Waiting):
            return state, []  # what a closed connection still brings
        case Answered():
            return _answered(state, event)
        case PageTaken():
            return _page_taken(state, event, now)
        case InitialEventsEnded(resource_version=version):
            return _initial_events_ended(state, version, now)
        case Refused():
            return _refused(state, event, now, random_)
        case Unreachable(why=why):
            return _unreachable(state, why, now, random_)
        case Lost() | Silent() | Ended():
            return _over(state, event, now, random_)
        case Garbled(why=why):
            return _wait(state, _after_garbage(state.activity), _Failure(Fault.GARBLED, why), now, random_)
        case _:
            assert_never(event)


def advance(state: State, version: ResourceVersion) -> State:
    """The state once what a read of a watch brought has gone to the store, up to this version: no step, since nothing is to be done."""
    watch = state.activity
    if not isinstance(watch, Watch):  # a streaming list has no version before its end
        return state
    watch = msgspec.structs.replace(watch, resource_version=version, progressed=True)
    return msgspec.structs.replace(state, activity=watch)


def _tick(state: State, now: float) -> Step:
    activity = state.activity
    if not isinstance(activity, Waiting) or now < activity.until:
        return state, []
    return _start(state, activity.want, now)


def _start(state: State, want: Want, now: float) -> Step:
    match want:
        case WantWatch(resource_version=version):
            return _watch(state, version, now)
        case WantPage(reason=reason, token=token):
            return _page(state, reason, token)
        case WantList(reason=reason):
            begun, asked = _list(state, reason)
            return begun, [BeginList(reason=reason), *asked]
        case _:
            assert_never(want)


def _list(state: State, reason: Reason) -> Step:
    if not state.streaming:
        return _page(state, reason, None)
    query = {
        "watch": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    return msgspec.structs.replace(state, activity=ListStream(reason=reason)), [Ask(query=query, watch=True)]


def _page(state: State, reason: Reason, token: str | None) -> Step:
    query = {"limit": str(PAGE_SIZE)} | ({"continue": token} if token else {})
    return msgspec.structs.replace(state, activity=ListPages(reason=reason, token=token)), [
        Ask(query=query, watch=False)
    ]


def _watch(state: State, version: ResourceVersion, now: float) -> Step:
    query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
    if state.timeout_seconds is not None:
        query["timeoutSeconds"] = str(state.timeout_seconds)
    return msgspec.structs.replace(state, activity=Watch(resource_version=version, opened_at=now)), [
        Ask(query=query, watch=True)
    ]


def _answered(state: State, event: Answered) -> Step:
    state = msgspec.structs.replace(state, denied=None)
    if isinstance(state.activity, ListStream) and state.only_protobuf and not event.protobuf:
        return _give_up_streaming(state, state.activity.reason)
    return state, []


def _give_up_streaming(state: State, reason: Reason) -> Step:
    paged, asked = _list(msgspec.structs.replace(state, streaming=False), reason)
    return paged, [HangUp(), *asked]


def _page_taken(state: State, event: PageTaken, now: float) -> Step:
    if not isinstance(state.activity, ListPages):
        return state, []
    if event.token is not None:
        return _page(state, state.activity.reason, event.token)
    watching, asked = _watch(msgspec.structs.replace(state, listed=True), event.resource_version, now)
    return watching, [FinishList(), *asked]


def _initial_events_ended(state: State, version: ResourceVersion, now: float) -> Step:
    if not isinstance(state.activity, ListStream):
        return state, []
    watch = Watch(resource_version=version, opened_at=now, progressed=True)
    return msgspec.structs.replace(state, listed=True, activity=watch), [FinishList()]


class _Failure(msgspec.Struct, frozen=True):
    """Why there is a wait, and how many seconds it lasts at least."""

    fault: Fault
    why: str
    at_least: float = 0.0


def _refused(state: State, event: Refused, now: float, random_: random.Random) -> Step:
    activity = state.activity
    again = _again(activity)
    match event.code:
        case 400 | 422 if isinstance(activity, ListStream):  # a server without streaming lists
            return _give_up_streaming(state, activity.reason)
        case 410:
            return _expired(state, event.message, now, random_)
        case 401:
            waiting, actions = _wait(state, again, _Failure(Fault.UNAUTHORIZED, event.message), now, random_)
            return waiting, [*actions, ReadCredentials()]
        case 403:
            # Not at the first: a server that starts denies everything until it has read its roles.
            slowly = 0.0 if state.denied is None else FORBIDDEN_WAIT_SECONDS * (0.75 + random_.random() / 4)
            return _wait(
                msgspec.structs.replace(state, denied=event.message),
                again,
                _Failure(Fault.FORBIDDEN, event.message, slowly),
                now,
                random_,
            )
        case code:
            told = event.retry_after_seconds or 0.0
            return _wait(state, again, _Failure(Fault.REFUSED, f"{code} {event.message}".strip(), told), now, random_)


def _expired(state: State, message: str, now: float, random_: random.Random) -> Step:
    """At once when the watch had lived; through the backoff when not even a fresh list's version or token was good."""
    want = WantList(reason=Reason.EXPIRED)
    if isinstance(state.activity, Watch) and _lived(state.activity, now):
        listing, actions = _start(state, want, now)
        return listing, [HangUp(), Tell(fault=Fault.EXPIRED, why=message, wait_seconds=0.0), *actions]
    return _wait(state, want, _Failure(Fault.EXPIRED, message), now, random_)


def _interrupted(state: State, failure: _Failure, now: float, random_: random.Random) -> Step:
    """A watch that had lived goes on at once; everything else waits."""
    activity = state.activity
    if isinstance(activity, Watch) and _lived(activity, now):
        watching, actions = _watch(state, activity.resource_version, now)
        return watching, [HangUp(), Tell(fault=failure.fault, why=failure.why, wait_seconds=0.0), *actions]
    return _wait(state, _again(activity), failure, now, random_)


def _over(state: State, event: Lost | Silent | Ended, now: float, random_: random.Random) -> Step:
    match event:
        case Lost(why=why):
            return _interrupted(state, _Failure(Fault.LOST, why), now, random_)
        case Ended():
            return _interrupted(state, _Failure(Fault.ENDED, "the response ended"), now, random_)
        case Silent(seconds=seconds):
            timed = msgspec.structs.replace(state, timeout_seconds=max(1, int(seconds * TIMEOUT_SHARE)))
            return _interrupted(timed, _Failure(Fault.SILENT, f"nothing came for {seconds:.0f} s"), now, random_)
        case _:
            assert_never(event)


def _lived(watch: Watch, now: float) -> bool:
    return now - watch.opened_at >= SETTLED_SECONDS


def _again(activity: Activity) -> Want:
    match activity:
        case Waiting(want=want):
            return want
        case Watch(resource_version=version):
            return WantWatch(resource_version=version)
        case ListPages(reason=reason, token=str(token)):
            return WantPage(reason=reason, token=token)
        case ListPages(reason=reason) | ListStream(reason=reason):
            return WantList(reason=reason)
        case _:
            assert_never(activity)


def _after_garbage(activity: Activity) -> Want:
    """A watch goes on from the last good event; when the same place brings garbage again, only a list gets past it."""
    if isinstance(activity, Watch) and activity.progressed:
        return WantWatch(resource_version=activity.resource_version)
    return WantList(reason=Reason.GARBAGE)


def _wait(state: State, want: Want, failure: _Failure, now: float, random_: random.Random) -> Step:
    backoff, wait = state.backoff.after_failure(now, random_=random_)
    wait = max(wait, failure.at_least)
    waiting = msgspec.structs.replace(state, activity=Waiting(want=want, until=now + wait), backoff=backoff)
    return waiting, [HangUp(), Tell(fault=failure.fault, why=failure.why, wait_seconds=wait)]


def _unreachable(state: State, why: str, now: float, random_: random.Random) -> Step:
    backoff, wait = state.unreached.after_failure(now, random_=random_)
    waiting = msgspec.structs.replace(
        state, activity=Waiting(want=_again(state.activity), until=now + wait), unreached=backoff
    )
    return waiting, [HangUp(), Tell(fault=Fault.UNREACHABLE, why=why, wait_seconds=wait)]
