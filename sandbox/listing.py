"""Answers lists: which objects, at which version, and how the client gets the rest. Pure."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import assert_never

import msgspec

from sandbox.objects import Store
from sandbox.queries import (
    Anything,
    Continued,
    Exactly,
    ListQuery,
    Newest,
    NotOlder,
    encode_continue,
    restart_continue,
)
from sandbox.resources import Resource
from sandbox.selectors import Selection
from sandbox.statuses import expired_continue, expired_list, too_large_version
from sandbox.tables import Expired, Stored, View

AFTER_SLASH = "0"
"""The character behind `/`: keys of a namespace end before `namespace0`."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list, or all of it."""

    objects: list[Stored]
    version: int
    continue_: str
    """Empty on the last page."""
    remaining: int | None
    """How many objects come after this page; not known where a selector leaves some out."""


def answer_list(
    store: Store, resource: Resource, query: ListQuery, selection: Selection, *, tokens_from: int = 0
) -> Page:
    """The page that is asked for. Continue tokens of versions before `tokens_from` have expired. Raises ApiError."""
    version, start = _moment(store, query, tokens_from=tokens_from)
    try:
        view = store.table(resource).view(version)
    except Expired as error:
        raise _expired(query) from error
    # Lists from the watch cache ignore the limit.
    limit = 0 if isinstance(query.at, Anything) else query.limit
    return _page(view, selection, version=version, start=start, limit=limit)


def _moment(store: Store, query: ListQuery, *, tokens_from: int) -> tuple[int, str]:
    match query.at:
        case Newest() | Anything():
            return store.version, ""
        case NotOlder(version):
            _check_reached(version, store.version)
            return store.version, ""
        case Exactly(version):
            _check_reached(version, store.version)
            return version, ""
        case Continued(-1, start):
            return store.version, start
        case Continued(version, start):
            _check_reached(version, store.version)
            if version < tokens_from:
                raise _expired(query)
            return version, start
        case _ as never:
            assert_never(never)


def _check_reached(version: int, current: int) -> None:
    if version > current:
        raise too_large_version(version, current)


def _expired(query: ListQuery) -> Exception:
    return expired_continue(restart_continue(query.at)) if isinstance(query.at, Continued) else expired_list()


def _page(view: View, selection: Selection, *, version: int, start: str, limit: int) -> Page:
    namespace = selection.namespace
    first = bisect_left(view.keys, max(start, f"{namespace}/" if namespace else ""))
    end = bisect_left(view.keys, namespace + AFTER_SLASH) if namespace else len(view.keys)
    picked = _picked(view, selection, first, end)
    places = list(islice(picked, limit)) if limit else list(picked)
    # A full page goes on where more keys follow, even if a selector will pick none of them: as with etcd, a last page may be empty.
    after = places[-1] + 1 if limit and len(places) == limit else end
    return Page(
        objects=[view.objects[at] for at in places],
        version=version,
        continue_=encode_continue(version=version, last=view.keys[after - 1]) if after < end else "",
        remaining=end - after if after < end and not selection.narrow else None,
    )


def _picked(view: View, selection: Selection, first: int, end: int) -> Iterator[int]:
    return (at for at in range(first, end) if selection.picks(view.objects[at]))
