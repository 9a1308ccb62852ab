"""Which batches are taken: single rules, and any interleaving against a small model."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from common.messages import Emission, Emissions, Epoch, Incarnation, PodDelete, Resync
from common.records import UID
from relay import accept
from relay.accept import Awaiting, Broken, Closed, Drop, Fence, Following
from tests.fakes.pods import batch

ME = Incarnation("relay-1")
GONE = PodDelete(UID("u"))


def after(*batches: Emissions, fence: Fence | None = None) -> tuple[Fence, list[Drop | None]]:
    """The fence after these batches on connection 1, and what became of each."""
    fence = accept.opened(accept.FIRST, 1) if fence is None else fence
    verdicts = []
    for one in batches:
        fence, drop = accept.offered(fence, one, relay=ME)
        verdicts.append(drop)
    return fence, verdicts


def test_an_epoch_is_opened_by_its_resync_and_goes_on_at_the_next_number() -> None:
    fence, verdicts = after(batch(Resync(), GONE, first=1), batch(GONE, first=3))
    assert verdicts == [None, None]
    assert fence == Following(connection=1, epoch=Epoch(1), matcher=Incarnation("matcher-1"), taken=3)


def test_nothing_is_taken_without_a_connection() -> None:
    fence, verdicts = after(batch(Resync(), first=1), fence=accept.FIRST)
    assert (fence, verdicts) == (accept.FIRST, [Drop.OTHER_CONNECTION])


def test_batches_for_another_relay_or_connection_change_nothing() -> None:
    before = accept.opened(accept.FIRST, 2)
    fence, verdicts = after(
        batch(Resync(), first=1, relay="relay-0", connection=2), batch(Resync(), first=1, connection=1), fence=before
    )
    assert (fence, verdicts) == (before, [Drop.OTHER_RELAY, Drop.OTHER_CONNECTION])


def test_a_missing_number_breaks_the_epoch_until_a_newer_one_comes() -> None:
    fence, verdicts = after(batch(Resync(), first=1), batch(GONE, first=3))
    assert verdicts == [None, Drop.GAP]
    assert fence == Broken(connection=1, epoch=Epoch(1), matcher=Incarnation("matcher-1"), taken=1)
    fence, verdicts = after(batch(GONE, first=2), batch(Resync(), first=1, epoch=2), fence=fence)
    assert verdicts == [Drop.BROKEN, None]
    assert fence == Following(connection=1, epoch=Epoch(2), matcher=Incarnation("matcher-1"), taken=1)


def test_a_number_that_comes_again_breaks_the_epoch() -> None:
    assert after(batch(Resync(), GONE, first=1), batch(GONE, first=2))[1] == [None, Drop.GAP]


def test_a_newer_epoch_whose_beginning_was_lost_is_a_gap() -> None:
    fence, verdicts = after(batch(Resync(), first=1), batch(GONE, first=2, epoch=2))
    assert verdicts == [None, Drop.GAP]
    assert fence == Broken(connection=1, epoch=Epoch(2), matcher=Incarnation("matcher-1"), taken=0)


def test_an_epoch_that_does_not_begin_with_a_resync_is_broken() -> None:
    fence, verdicts = after(batch(GONE, first=1))
    assert verdicts == [Drop.NO_RESYNC]
    assert isinstance(fence, Broken)


def test_an_older_epoch_is_dropped_and_the_newest_goes_on() -> None:
    assert after(batch(Resync(), first=1, epoch=5), batch(Resync(), first=1, epoch=4), batch(GONE, first=2, epoch=5))[
        1
    ] == [None, Drop.OLDER_EPOCH, None]


def test_the_same_epoch_of_another_matcher_is_dropped() -> None:
    fence, verdicts = after(batch(Resync(), first=1), batch(GONE, first=2, matcher="matcher-2"), batch(GONE, first=2))
    assert verdicts == [None, Drop.OTHER_MATCHER, None]
    assert fence.matcher == "matcher-1"


def test_a_newer_epoch_of_another_matcher_takes_over() -> None:
    fence, verdicts = after(batch(Resync(), first=1), batch(Resync(), first=1, epoch=2, matcher="matcher-2"))
    assert verdicts == [None, None]
    assert (fence.epoch, fence.matcher) == (2, "matcher-2")


def test_an_epoch_does_not_outlive_its_connection() -> None:
    fence, _ = after(batch(Resync(), first=1, epoch=3))
    fence = accept.closed(fence)
    assert fence == Closed(epoch=Epoch(3), matcher=Incarnation("matcher-1"))
    fence = accept.opened(fence, 2)
    assert fence == Awaiting(connection=2, epoch=Epoch(3), matcher=Incarnation("matcher-1"))
    fence, verdicts = after(
        batch(GONE, first=2, epoch=3, connection=2), batch(Resync(), first=1, epoch=4, connection=2), fence=fence
    )
    assert verdicts == [Drop.OLDER_EPOCH, None]


def test_an_empty_batch_changes_nothing() -> None:
    before, _ = after(batch(Resync(), first=1))
    assert after(batch(first=9), batch(first=1, epoch=2), fence=before) == (before, [Drop.EMPTY, Drop.EMPTY])


@dataclass
class Matcher:
    """Sends epochs as matchers do."""

    name: str
    epoch: int = 0
    connection: int = 0
    next: int = 1


@dataclass
class Model:
    """What the reducer would have heard: (epoch, matcher, numbers) per connection, and no rule of how to get there."""

    heard: list[tuple[int, int, str, int]] = field(default_factory=list)


class AnyInterleaving(RuleBasedStateMachine):
    """Two matchers send to one relay whose connection comes and goes; batches are delayed, lost and doubled on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.fence: Fence = accept.FIRST
        self.connection = 0
        self.up = False
        self.matchers = [Matcher("a"), Matcher("b")]
        self.pipe: list[Emissions] = []
        self.model = Model()

    @precondition(lambda self: not self.up)
    @rule()
    def connect(self) -> None:
        self.connection += 1
        self.up = True
        self.fence = accept.opened(self.fence, self.connection)

    @precondition(lambda self: self.up)
    @rule()
    def lose_connection(self) -> None:
        self.up = False
        self.fence = accept.closed(self.fence)

    @rule(who=st.integers(0, 1), size=st.integers(0, 3))
    def open_epoch(self, who: int, size: int) -> None:
        matcher = self.matchers[who]
        matcher.epoch = max(matcher.epoch, self.fence.epoch) + 1
        matcher.connection, matcher.next = self.connection, 1
        self._send(matcher, [Resync(), *[GONE] * size])

    @rule(who=st.integers(0, 1), size=st.integers(0, 3))
    def go_on(self, who: int, size: int) -> None:
        if self.matchers[who].epoch:
            self._send(self.matchers[who], [GONE] * size)

    def _send(self, matcher: Matcher, emissions: list[Emission]) -> None:
        self.pipe.append(
            batch(
                *emissions, first=matcher.next, epoch=matcher.epoch, connection=matcher.connection, matcher=matcher.name
            )
        )
        matcher.next += len(emissions)

    @precondition(lambda self: self.pipe)
    @rule(at=st.integers(0, 3), times=st.integers(0, 2))
    def deliver(self, at: int, times: int) -> None:
        one = self.pipe.pop(min(at, len(self.pipe) - 1))
        for _ in range(times):
            before = self.fence
            self.fence, drop = accept.offered(before, one, relay=ME)
            if drop is None:
                self.model.heard += [
                    (self.connection, one.epoch, one.matcher, one.first + offset)
                    for offset in range(len(one.emissions))
                ]
                assert self.up
                assert one.connection == self.connection
            assert self.fence.epoch >= before.epoch
        self._check_heard()

    def _check_heard(self) -> None:
        """Per connection: epochs only rise, each is one matcher's, and its numbers are 1, 2, 3 … without a hole."""
        numbers: dict[tuple[int, int], tuple[str, int]] = {}
        newest = (0, 0)
        for connection, epoch, matcher, number in self.model.heard:
            assert (connection, epoch) >= newest
            newest = (connection, epoch)
            whose, last = numbers.get(newest, (matcher, 0))
            assert (whose, last + 1) == (matcher, number)
            numbers[newest] = (matcher, number)
        if isinstance(self.fence, Following):
            assert numbers[self.fence.connection, self.fence.epoch] == (self.fence.matcher, self.fence.taken)


AnyInterleaving.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestAnyInterleaving = AnyInterleaving.TestCase
