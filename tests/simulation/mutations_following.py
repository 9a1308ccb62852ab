"""Faults in how watchers publish and the matcher follows: gaps, lives, snapshots."""

from typing import Final

from tests.simulation.mutation import Edit, Mutant, mutant

FOLLOWING: Final = (
    mutant(
        "a gap in the updates is not noticed",
        "matcher/follow.py",
        "if updates.sequence > state.sequence + 1:",
        "if False:",
    ),
    mutant(
        "a beat that is ahead says nothing", "matcher/follow.py", "if beat.sequence > self.state.sequence:", "if False:"
    ),
    mutant(
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
    mutant(
        "an ask that got lost is not repeated",
        "matcher/follow.py",
        "late = isinstance(self.state, Asking | Taking) and now - self.state.asked_at >= ANSWER_SECONDS",
        "late = False",
    ),
    mutant(
        "a snapshot carries a later sequence number than its records",
        "watcher/publish.py",
        "sequence=snapshot.sequence,",
        "sequence=self.sequence,",
    ),
    mutant(
        "a snapshot carries no sequence number",
        "watcher/publish.py",
        "_Snapshot(request, self.sequence,",
        "_Snapshot(request, Sequence(0),",
    ),
    Mutant(
        "updates that a snapshot has already are taken again",
        (
            Edit(
                "matcher/follow.py",
                "known = updates.incarnation == chunk.incarnation and updates.sequence <= chunk.sequence",
                "known = False",
            ),
            Edit("matcher/follow.py", "if updates.sequence <= state.sequence:", "if False:"),
        ),
    ),
    mutant(
        "a partial snapshot is taken for all there is",
        "matcher/follow.py",
        "if chunk.condition is Condition.FOLLOWING:",
        "if True:",
    ),
    mutant(
        "a watcher calls a partial snapshot complete",
        "watcher/core.py",
        "return Condition.FORBIDDEN if self.condition is Condition.FORBIDDEN else Condition.LISTING",
        "return Condition.FOLLOWING",
    ),
    mutant(
        "the end of the list does not complete a partial snapshot",
        "matcher/follow.py",
        "self.state = Following(self.state.incarnation, self.state.sequence)",
        "return Relisted()",
    ),
    mutant(
        "what a snapshot mentions counts as gone",
        "matcher/match.py",
        "        self._fill.mention(uid)\n",
        "",
    ),
    mutant(
        "a watcher has no beats",
        "watcher/core.py",
        "return [self.publisher.beat(self.condition)]",
        "return []",
    ),
    mutant(
        "a snapshot does not say who is gone",
        "matcher/fill.py",
        "gone, self._unmentioned = self._unmentioned, set()",
        "gone, self._unmentioned = set(), set()",
    ),
)
