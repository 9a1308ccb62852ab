"""Faults in how a watcher lists and watches."""

from typing import Final

from tests.simulation.mutation import mutant

WATCHING: Final = (
    mutant(
        "a relist does not say who is gone",
        "watcher/store.py",
        "gone, self._unmentioned = list(self._unmentioned or ()), None",
        "gone, self._unmentioned = [], None",
    ),
    mutant(
        "every known object counts as unchanged",
        "watcher/store.py",
        "if kept is not None and kept.own == record.own and kept.shape == record.shape:",
        "if kept is not None:",
    ),
    mutant(
        "a change of the shape alone counts as none",
        "watcher/store.py",
        "kept.own == record.own and kept.shape == record.shape:",
        "kept.own == record.own:",
    ),
    mutant(
        "a list is taken for complete at its first page",
        "watcher/reflect.py",
        "if event.token is not None:",
        "if False:",
    ),
    mutant("DELETED events are left out", "watcher/scope.py", "self._delete(event.uid, now)", "pass"),
    mutant(
        "410 is waited out",
        "watcher/reflect.py",
        "        case 410:\n            return _expired(state, event.message, now, random_)\n",
        "",
    ),
    mutant(
        "a list that begins again remembers what the last one mentioned",
        "watcher/store.py",
        "self._unmentioned = set(self._records)",
        "self._unmentioned = set(self._records) if self._unmentioned is None else self._unmentioned",
    ),
    mutant(
        "the end of one namespace's list counts for all",
        "watcher/core.py",
        "        if not self.complete:\n            events",
        "        if False:\n            events",
    ),
    mutant(
        "whoever is named first counts as controller",
        "watcher/normalize.py",
        "if reference.controller and reference.uid:",
        "if reference.uid:",
    ),
    mutant(
        "ephemeral containers are left out",
        "watcher/normalize.py",
        "_add(_EPHEMERAL, status.ephemeralContainerStatuses, containers, ids)",
        "pass",
    ),
    mutant("credentials are not read again", "watcher/reflect.py", "[*actions, ReadCredentials()]", "actions"),
    mutant(
        "a silent watch is waited for",
        "watcher/channel.py",
        "now - self._silent_since >= self._silence_seconds",
        "now < self._silent_since",
    ),
)
