"""Faults in how the matcher joins, waits, and says what has changed."""

from typing import Final

from tests.simulation.mutation import mutant

MATCHING: Final = (
    mutant(
        "a pod that changes is not marked",
        "matcher/match.py",
        "elif pod.shape is not shape or pod.own != own:\n            self.outbox.before_change(pod, self._stamp_ns)\n",
        "elif pod.shape is not shape or pod.own != own:\n",
    ),
    mutant("a delete is not marked", "matcher/match.py", "self.outbox.deleted(pod, self._stamp_ns)", "pass"),
    mutant(
        "new containers are not sent",
        "matcher/outbox.py",
        "if containers:\n            batch.add(PodContainers",
        "if False:\n            batch.add(PodContainers",
    ),
    mutant(
        "a change of address is not sent",
        "matcher/outbox.py",
        "if ip != told.ip or pod.owner != told.owner:",
        "if pod.owner != told.owner:",
    ),
    mutant(
        "a pod deleted while it waits is not forgotten",
        "matcher/outbox.py",
        "if unsaid is not None and unsaid.told is None:",
        "if False:",
    ),
    mutant(
        "a pod is not noted as live in the epoch",
        "matcher/outbox.py",
        "            return\n        pod.sent = sending\n",
        "            return\n",
    ),
    mutant("Resync is left out", "matcher/outbox.py", "batch.add(Resync(), EMISSION_BYTES)", "batch.stamp_ns = 0"),
    mutant(
        "Resync comes behind the first pods",
        "matcher/outbox.py",
        "            batch.add(Resync(), EMISSION_BYTES)\n        self._say_all(batch, self._sending)\n",
        "            self._say_all(batch, self._sending)\n            batch.add(Resync(), EMISSION_BYTES)\n",
    ),
    mutant("adoption is not noticed", "matcher/match.py", "self.groups.move(pod, shape)\n", "pass\n"),
    mutant(
        "a provisional owner is never corrected",
        "matcher/groups.py",
        "if group.controller is not None and watched_kind(group.controller) == kind:",
        "if not isinstance(group.standing, Provisional) and watched_kind(group.controller) == kind:",
    ),
    mutant(
        "an owner that changes hands is not noticed",
        "matcher/groups.py",
        "if isinstance(before, Waiting) or before.owner != standing.owner:",
        "if isinstance(before, Waiting):",
    ),
    mutant(
        "a pod whose owner changes is not marked",
        "matcher/groups.py",
        "                self._before_change(pod)\n                pod.owner",
        "                pod.owner",
    ),
    mutant(
        "an owner's record wakes nobody",
        "matcher/match.py",
        "        self.groups.record_came(kind, record.uid)\n",
        "",
    ),
    mutant("owners' records are not kept", "matcher/owners.py", "self._records[uid] = self._share", "_ = self._share"),
    mutant("pods that wait are not counted", "matcher/groups.py", "self.waiting += pods", "pass"),
    mutant("the guard never trips", "matcher/guard.py", "if waiting > self._most_waiting:", "if False:"),
    mutant(
        "after the guard's reading pods wait on",
        "matcher/core.py",
        "            self.matcher.groups.expire(before=now)\n",
        "",
    ),
    mutant("forbidden owners are waited for", "matcher/core.py", "groups.give_up(kind)", "pass"),
    mutant(
        "a pod deleted before the sweep came to it is said",
        "matcher/outbox.py",
        "if pod.sent.epoch != sending.epoch and self._pods.get(pod.uid) is pod:",
        "if pod.sent.epoch != sending.epoch:",
    ),
    mutant(
        "the sweep says pods again that a change has said",
        "matcher/outbox.py",
        "if pod.sent.epoch != sending.epoch and self._pods.get(pod.uid) is pod:",
        "if self._pods.get(pod.uid) is pod:",
    ),
    mutant(
        "an epoch begins with what was dirty before it",
        "matcher/outbox.py",
        "        self._dirty.clear()\n        self._sweep = list(self._pods.values())\n",
        "        self._sweep = list(self._pods.values())\n",
    ),
    mutant(
        "an epoch sweeps nothing", "matcher/outbox.py", "self._sweep = list(self._pods.values())", "self._sweep = []"
    ),
    mutant(
        "a pod that changes hands keeps its group",
        "matcher/groups.py",
        "            pod.shape = shape\n            self.join(pod)\n",
        "            self.join(pod)\n",
    ),
    mutant(
        "a pod of another shape keeps its shape",
        "matcher/groups.py",
        "            pod.shape = shape\n            shape.pods += 1\n",
        "            shape.pods += 1\n",
    ),
    mutant(
        "a pod whose shape alone changes is not marked",
        "matcher/match.py",
        "elif pod.shape is not shape or pod.own != own:",
        "elif pod.own != own:",
    ),
    mutant(
        "an owner that never comes is waited for",
        "matcher/core.py",
        "self.matcher.groups.expire(before=now - self._owner_wait_seconds)",
        "pass",
    ),
)
