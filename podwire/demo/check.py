"""Whether the reducer is in step with the cluster: the cluster's own lists, what they say must be held, and what is held."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from common.clock import monotonic
from podwire.ask import NoAnswer, ask, ask_json
from podwire.demo.show import IN_STEP
from sandbox.lists import CannotList, Cluster
from sandbox.reducer.held import HeldPod, PodsAnswer
from sandbox.truth import compare, differences

REST_FACTOR = 10.0
"""A glance costs lists: it is taken again after this many times the time that the last one took."""

SHOWN = 10
"""Differences in a verdict's words."""

_decode_pods = msgspec.json.Decoder(PodsAnswer).decode


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a quiet cluster and the reducer compare, and whether the reducer saw podwire break a promise."""

    in_step: bool
    words: str


class Check:
    """Compares the cluster of a kubeconfig with the reducer."""

    def __init__(self, *, kubeconfig: Path, reducer: str) -> None:
        """`reducer` is the HOST:PORT of its HTTP."""
        self._kubeconfig = kubeconfig
        self._reducer = reducer
        self._next_at = float("-inf")
        self._seen = "not compared yet"

    def verdict(self) -> Verdict:
        """The comparison with a cluster that stands still."""
        try:
            comparison = compare(Cluster(kubeconfig=self._kubeconfig).truth(), held := self._held())
            breaches = ask_json(self._reducer, "/breaches")["breaches"]
        except (CannotList, NoAnswer) as reason:
            return Verdict(in_step=False, words=f"not compared: {reason}")
        wrong = [*comparison.differences.first, *(f"breach: {one['what']}" for one in breaches["first"])]
        if wrong:
            count = f"not in step: {comparison.differences.total} differences, {breaches['count']} breaches"
            return Verdict(in_step=False, words="\n".join([*wrong[:SHOWN], count]))
        containers = sum(len(pod.containers) for pod in held)
        return Verdict(in_step=True, words=f"{IN_STEP}: {len(held):,} pods, {containers:,} containers, no breach")

    def glance(self) -> str:
        """Whether the reducer follows a cluster that moves, in words, as of the last time that it was worth looking."""
        began = monotonic()
        if began >= self._next_at and self._kubeconfig.exists():
            self._seen = self._look()
            self._next_at = monotonic() + REST_FACTOR * (monotonic() - began)
        return self._seen

    def _look(self) -> str:
        # What the reducer holds is older than the second list and newer than the first: it is behind where it differs from both.
        try:
            cluster = Cluster(kubeconfig=self._kubeconfig)
            before = cluster.truth()
            held = {pod.uid: pod for pod in self._held()}
            after = cluster.truth()
        except (CannotList, NoAnswer) as reason:
            return f"not compared: {reason}"
        behind = set(differences(before, held)) & set(differences(after, held))
        return f"{len(behind)} differences, such as {min(behind)}" if behind else IN_STEP

    def _held(self) -> list[HeldPod]:
        try:
            return _decode_pods(ask(self._reducer, "/pods")).pods
        except msgspec.DecodeError as error:
            raise NoAnswer(f"{self._reducer}/pods: {error}") from error
