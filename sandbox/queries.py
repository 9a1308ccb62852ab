"""What the parameters of a list or a watch mean, and which may not stand together (Kubernetes API concepts, "Resource versions").

The rules are those of Kubernetes 1.36's apimachinery; without streaming lists those of 1.20. Continue tokens are opaque to clients.
"""

import base64
import binascii
import random
from collections.abc import Mapping
from typing import Final

import msgspec

from sandbox.statuses import ApiError, bad_request, invalid, invalid_options

Parameters = Mapping[str, str]

LEAST_WATCH_SECONDS: Final = 1800
"""A watch without `timeoutSeconds` lasts this long, or up to twice as long (kube-apiserver's --min-request-timeout)."""


class Anything(msgspec.Struct, frozen=True):
    """Whatever the watch cache has; `limit` is ignored (`resourceVersion=0`)."""


class Newest(msgspec.Struct, frozen=True):
    """The newest state."""


class NotOlder(msgspec.Struct, frozen=True):
    """A state at `version` or later."""

    version: int


class Exactly(msgspec.Struct, frozen=True):
    """The state at `version`."""

    version: int


class Continued(msgspec.Struct, frozen=True):
    """The rest of a list, from the key `start` on, at the version of its first page; -1 for the newest state."""

    version: int
    start: str


At = Anything | Newest | NotOlder | Exactly | Continued


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A list."""

    at: At
    limit: int
    """0 for no limit."""


class FromScratch(msgspec.Struct, frozen=True):
    """The watch begins with what is there. `closed` by a bookmark that says so."""

    at_least: int
    closed: bool


class After(msgspec.Struct, frozen=True):
    """The watch begins with the first change after `version`."""

    version: int


class FromNow(msgspec.Struct, frozen=True):
    """The watch begins with the next change (`sendInitialEvents=false` without a version)."""


class WatchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A watch."""

    start: FromScratch | After | FromNow
    bookmarks: bool
    timeout_seconds: float


def is_watch(parameters: Parameters) -> bool:
    """Whether the parameters of a GET ask for a watch. Any word but `false` and `0` does."""
    return "watch" in parameters and _truth(parameters["watch"])


def list_query(parameters: Parameters) -> ListQuery:
    """The list that is asked for. Raises ApiError."""
    limit = max(_number(parameters, "limit"), 0)
    match = parameters.get("resourceVersionMatch", "")
    text = parameters.get("resourceVersion", "")
    if "sendInitialEvents" in parameters:
        raise invalid_options("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if match:
        _check_match(match, text, continued=bool(parameters.get("continue")))
    if token := parameters.get("continue"):
        if text not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        return ListQuery(at=_decode_continue(token), limit=limit)
    return ListQuery(at=_at(text, match, limited=limit > 0), limit=limit)


def _check_match(match: str, text: str, *, continued: bool) -> None:
    field = "resourceVersionMatch"
    if continued:
        raise invalid_options(field, "resourceVersionMatch is forbidden when continue is provided")
    if not text:
        raise invalid_options(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
    if match not in ("Exact", "NotOlderThan"):
        raise invalid(
            'ListOptions.meta.k8s.io ""',
            field=field,
            cause="FieldValueNotSupported",
            message=f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""',
            details={"group": "meta.k8s.io", "kind": "ListOptions"},
        )
    if match == "Exact" and text == "0":
        raise invalid_options(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')


def _at(text: str, match: str, *, limited: bool) -> At:
    if not text:
        return Newest()
    try:
        version = _version(text)
    except ValueError as error:
        raise bad_request(f"invalid resource version: {error}") from error
    if version == 0:
        return Anything()
    # A limit without a rule makes the version exact: older than rules, kept for old clients (API concepts, table "List").
    return Exactly(version) if match == "Exact" or (not match and limited) else NotOlder(version)


def watch_query(parameters: Parameters, *, streaming: bool) -> WatchQuery:
    """The watch that is asked for. `streaming`: whether the server has streaming lists. Raises ApiError."""
    bookmarks = "allowWatchBookmarks" in parameters and _truth(parameters["allowWatchBookmarks"])
    _check_watch(parameters, streaming=streaming)
    seconds = _number(parameters, "timeoutSeconds")
    text = parameters.get("resourceVersion", "")
    try:
        version = _version(text or "0")
    except ValueError as error:
        # Not 400: this is what real servers answer.
        raise ApiError(code=500, reason="", message=str(error)) from error
    initial = (
        _truth(parameters["sendInitialEvents"]) if streaming and "sendInitialEvents" in parameters else version == 0
    )
    start: FromScratch | After | FromNow = After(version) if version else FromNow()
    if initial:
        # 1.36 closes the opening of every watch from scratch that allows bookmarks, whether a streaming list was asked for or not.
        start = FromScratch(version, closed=streaming and bookmarks)
    return WatchQuery(
        start=start,
        bookmarks=bookmarks,
        timeout_seconds=seconds if seconds > 0 else LEAST_WATCH_SECONDS * (1 + random.random()),
    )


def _check_watch(parameters: Parameters, *, streaming: bool) -> None:
    match = parameters.get("resourceVersionMatch", "")
    asked = "sendInitialEvents" in parameters and streaming
    field = "resourceVersionMatch"
    if match and not streaming:
        raise invalid_options(field, "resourceVersionMatch is forbidden for watch")
    if match and not asked:
        raise invalid_options(field, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
    if asked and match != "NotOlderThan":
        raise invalid_options(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: str


def encode_continue(*, version: int, last: str) -> str:
    """The token for what comes after the key `last`."""
    text = msgspec.json.encode(_Token("meta.k8s.io/v1", version, last + "\0"))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def restart_continue(continued: Continued) -> str:
    """The token that an expired one is exchanged for: the same place, at the newest state."""
    return encode_continue(version=-1, last=continued.start.removesuffix("\0"))


def _decode_continue(token: str) -> Continued:
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=_Token)
    except (binascii.Error, ValueError) as error:
        raise bad_request("invalid continue token: continue key is not valid: not a token of this server") from error
    if decoded.v != "meta.k8s.io/v1":
        raise bad_request(
            f"invalid continue token: continue key is not valid: server does not recognize version {decoded.v!r}"
        )
    if decoded.rv == 0:
        raise bad_request(
            "invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
        )
    return Continued(decoded.rv, decoded.start)


def _truth(text: str) -> bool:
    return text.lower() not in ("false", "0")


def _number(parameters: Parameters, name: str) -> int:
    text = parameters.get(name, "") or "0"
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _version(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(
            f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    return int(text)
