"""Faults that are put into podwire's cores, one at a time, to see that the simulation finds each: exact old text → new text."""

from typing import Final, NamedTuple


class Edit(NamedTuple):
    """`old` stands in the file exactly once."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A rule that is dropped or turned wrong."""

    name: str
    edits: tuple[Edit, ...]


def _mutant(name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, (Edit(file, old, new),))


FOLLOWING: Final = (
    _mutant(
        "a gap in the updates is not noticed",
        "matcher/follow.py",
        "if updates.sequence > state.sequence + 1:",
        "if False:",
    ),
    _mutant(
        "a beat that is ahead says nothing", "matcher/follow.py", "if beat.sequence > self.state.sequence:", "if False:"
    ),
    _mutant(
        "a beat of another life says nothing",
        "matcher/follow.py",
        "if beat.incarnation != self.state.incarnation:",
        "if False:",
    ),
    Mutant(
        "no message of another life is noticed",
        (
            Edit("matcher/follow.py", "if updates.incarnation != state.incarnation:", "if False:"),
            Edit("matcher/follow.py", "if beat.incarnation != self.state.incarnation:", "if False:"),
        ),
    ),
    _mutant(
        "an ask that got lost is not repeated",
        "matcher/follow.py",
        "late = isinstance(self.state, Asking | Taking) and now - self.state.asked_at >= ANSWER_SECONDS",
        "late = False",
    ),
    _mutant(
        "a snapshot carries a later sequence number than its records",
        "watcher/publish.py",
        "sequence=snapshot.sequence,",
        "sequence=self.sequence,",
    ),
    _mutant(
        "a snapshot carries no sequence number",
        "watcher/publish.py",
        "_Snapshot(request, self.sequence,",
        "_Snapshot(request, Sequence(0),",
    ),
    _mutant(
        "a snapshot does not say who is gone",
        "matcher/fill.py",
        "gone, self._unmentioned = self._unmentioned, set()",
        "gone, self._unmentioned = set(), set()",
    ),
)

MATCHING: Final = (
    _mutant(
        "a pod that changes is not marked",
        "matcher/match.py",
        "elif pod.record != record:\n            self.outbox.before_change(pod, self._stamp_ns)\n",
        "elif pod.record != record:\n",
    ),
    _mutant("a delete is not marked", "matcher/match.py", "self.outbox.deleted(pod, self._stamp_ns)", "pass"),
    _mutant(
        "new containers are not sent",
        "matcher/outbox.py",
        "if containers:\n            batch.add(PodContainers",
        "if False:\n            batch.add(PodContainers",
    ),
    _mutant(
        "a change of address is not sent",
        "matcher/outbox.py",
        "if pod.ip != told.ip or pod.owner != told.owner:",
        "if pod.owner != told.owner:",
    ),
    _mutant(
        "a pod deleted while it waits is not forgotten",
        "matcher/outbox.py",
        "if unsaid is not None and unsaid.told is None:",
        "if False:",
    ),
    _mutant(
        "a pod is not noted as live in the epoch",
        "matcher/outbox.py",
        "            return\n        pod.live_in = epoch\n",
        "            return\n",
    ),
    _mutant("Resync is left out", "matcher/outbox.py", "batch.add(Resync(), EMISSION_BYTES)", "batch.stamp_ns = 0"),
    _mutant(
        "Resync comes behind the first pods",
        "matcher/outbox.py",
        "            batch.add(Resync(), EMISSION_BYTES)\n        self._say_all(batch, self.state.epoch)\n",
        "            self._say_all(batch, self.state.epoch)\n            batch.add(Resync(), EMISSION_BYTES)\n",
    ),
    _mutant("adoption is not noticed", "matcher/match.py", "self._move(pod, head, now)\n", "pass\n"),
    _mutant(
        "a provisional owner is never corrected",
        "matcher/groups.py",
        "if group.controller is not None and watched_kind(group.controller) == kind:",
        "if not isinstance(group.standing, Provisional) and watched_kind(group.controller) == kind:",
    ),
    _mutant(
        "an owner that changes hands is not noticed",
        "matcher/groups.py",
        "if isinstance(before, Waiting) or before.owner != standing.owner:",
        "if isinstance(before, Waiting):",
    ),
    _mutant(
        "a pod whose owner changes is not marked",
        "matcher/groups.py",
        "                self._before_change(pod)\n                pod.owner",
        "                pod.owner",
    ),
    _mutant(
        "an owner that never comes is waited for",
        "matcher/core.py",
        "self.matcher.groups.expire(before=now - self._owner_wait_seconds)",
        "pass",
    ),
)

LINKING: Final = (
    _mutant(
        "a new connection makes no epoch",
        "matcher/core.py",
        "if link.connected and isinstance(self.outbox.state, Closed):",
        "if False:",
    ),
    _mutant(
        "a link that stays behind is not noticed",
        "matcher/link.py",
        "return Cause.BEHIND if after.since - before.since >= BEHIND_SECONDS else None",
        "return None",
    ),
    Mutant(
        "the relay takes batches for an earlier connection",
        (
            Edit("relay/accept.py", "if batch.connection != fence.connection:", "if False:"),
            Edit(
                "relay/accept.py",
                "            return fence, Drop.OLDER_EPOCH\n",
                "            taken = batch.first - 1 + len(batch.emissions)\n"
                "            return Following(connection=fence.connection, epoch=fence.epoch, matcher=fence.matcher, taken=taken), None\n",
            ),
        ),
    ),
    Mutant(
        "the relay takes an older epoch",
        (
            Edit("relay/accept.py", "if batch.epoch < fence.epoch:", "if False:"),
            Edit("relay/accept.py", "if batch.epoch > fence.epoch:", "if batch.epoch != fence.epoch:"),
        ),
    ),
    _mutant(
        "a gap does not break the epoch",
        "relay/accept.py",
        "case Following(taken=taken) if batch.first == taken + 1:",
        "case Following(taken=taken):",
    ),
    _mutant(
        "a broken epoch is taken on",
        "relay/accept.py",
        "        case Broken():\n            return fence, Drop.BROKEN\n",
        "        case Broken():\n            return fence, None\n",
    ),
    _mutant(
        "an epoch begins without its first batch",
        "relay/accept.py",
        "    if batch.first != 1:\n        return _broken(connection, batch, taken=0), Drop.GAP\n"
        "    if not isinstance(batch.emissions[0], Resync):\n        return _broken(connection, batch, taken=0), Drop.NO_RESYNC\n",
        "",
    ),
    _mutant("compressed blocks are kept back", "relay/compress.py", "auto_flush=True", "auto_flush=False"),
)

WATCHING: Final = (
    _mutant(
        "a relist does not say who is gone",
        "watcher/store.py",
        "gone, self._unmentioned = list(self._unmentioned or ()), None",
        "gone, self._unmentioned = [], None",
    ),
    _mutant(
        "every known object counts as unchanged",
        "watcher/store.py",
        "if self._records.get(uid) == record:",
        "if uid in self._records:",
    ),
    _mutant(
        "a list is taken for complete at its first page",
        "watcher/reflect.py",
        "if event.token is not None:",
        "if False:",
    ),
    _mutant("DELETED events are left out", "watcher/scope.py", "self._delete(event.uid)", "pass"),
    _mutant(
        "410 is waited out",
        "watcher/reflect.py",
        "        case 410:\n            return _expired(state, event.message, now, random_)\n",
        "",
    ),
    _mutant("credentials are not read again", "watcher/reflect.py", "[*actions, ReadCredentials()]", "actions"),
    _mutant(
        "a silent watch is waited for",
        "watcher/channel.py",
        "now - self.heard_at >= self._silence_seconds",
        "now < self.heard_at",
    ),
)

MUTANTS: Final[tuple[Mutant, ...]] = (*FOLLOWING, *MATCHING, *LINKING, *WATCHING)
