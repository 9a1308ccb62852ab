"""Whether a watcher has an object, for a person who asks why the matcher has not. Called from the admin's threads while the loop runs."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from common.errors import UsageError
from common.records import UID
from common.wanted import ByUid, Search, Wanted, gently, parse_wanted
from watcher.core import Watcher

MOST_FOUND: Final = 100


class Knows:
    """Answers for one watcher. `rest` is what `common.wanted.gently` calls."""

    def __init__(self, watcher: Watcher, *, rest: Callable[[], None]) -> None:
        self._watcher = watcher
        self._rest = rest

    def answer(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The UIDs of what is meant by `what` (`common.wanted`; owners by UID only). Raises UsageError for what cannot be asked here."""
        wanted = parse_wanted(query.get("what", ""))
        if self._watcher.publisher.kind != "pods" and not isinstance(wanted, ByUid):
            raise UsageError("owners are kept, and found, by their UIDs only")
        return {"uids": list(islice(self._found(wanted), MOST_FOUND))}

    def _found(self, wanted: Wanted) -> Iterator[UID]:
        search = Search(wanted)
        for scope in self._watcher.scopes:
            if isinstance(wanted, ByUid):
                if scope.store.get(wanted.uid) is not None:
                    yield wanted.uid
                continue
            # One step of the interpreter copies the references, so the loop may go on changing the store.
            for kept in gently(list(scope.store.records()), self._rest):
                if search.record(kept) is not None:
                    yield kept.uid
