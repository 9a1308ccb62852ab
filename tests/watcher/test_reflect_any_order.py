"""Whatever happens to the list/watch machine, in whatever order, some things hold."""

import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from watcher import reflect
from watcher.states import (
    Action,
    Answered,
    Ask,
    BeginList,
    Ended,
    Event,
    FinishList,
    Garbled,
    HangUp,
    InitialEventsEnded,
    ListPages,
    ListStream,
    Lost,
    PageTaken,
    Refused,
    Tick,
    Unreachable,
    Waiting,
    Watch,
    initial,
)

versions = st.sampled_from(["5", "6", "7"])


class AnyOrder(RuleBasedStateMachine):
    """Events that fit and events that do not; the clock only goes forward."""

    @initialize(streaming=st.sampled_from(["auto", "always", "never"]), seed=st.integers(0, 9))
    def begin(self, streaming, seed):
        self.state = initial(streaming)
        self.now = 0.0
        self.random = random.Random(seed)
        self.asked = False
        self.listing = False

    def tell(self, event: Event, *, ends_response: bool = False) -> None:
        self.asked = self.asked and not ends_response
        self.state, actions = reflect.step(self.state, event, self.now, random_=self.random)
        for action in actions:
            self.check(action)
        assert self.asked != isinstance(self.state.activity, Waiting)

    def check(self, action: Action) -> None:
        match action:
            case Ask():
                assert not self.asked, "asked while the answer before was still coming"
                self.asked = True
            case HangUp():
                self.asked = False
            case BeginList():
                self.listing = True
            case FinishList():
                assert self.listing, "a list was finished that had not begun"
                self.listing = False

    @rule(seconds=st.sampled_from([0.0, 0.25, 1.0, 5.0, 40.0, 300.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.tell(Tick())

    @rule(protobuf=st.booleans())
    def answered(self, protobuf):
        self.tell(Answered(protobuf=protobuf))

    @precondition(lambda self: isinstance(self.state.activity, ListPages))
    @rule(version=versions, token=st.sampled_from([None, "t1", "t2"]))
    def page_taken(self, version, token):
        self.tell(PageTaken(resource_version=version, token=token), ends_response=True)

    @rule(version=versions)
    def stray_page(self, version):
        if not isinstance(self.state.activity, ListPages):
            self.tell(PageTaken(resource_version=version, token=None))

    @rule(version=versions)
    def advanced(self, version):
        self.state = reflect.advance(self.state, version)

    @rule(version=versions)
    def initial_events_ended(self, version):
        self.tell(InitialEventsEnded(resource_version=version))

    @rule(
        code=st.sampled_from([0, 302, 400, 401, 403, 410, 422, 429, 500, 503]), told=st.sampled_from([None, 0.0, 20.0])
    )
    def refused(self, code, told):
        self.tell(Refused(code=code, message="?", retry_after_seconds=told))

    @rule(event=st.sampled_from([Unreachable(why="?"), Lost(why="?"), Garbled(why="?"), Ended()]))
    def interrupted(self, event):
        self.tell(event)

    def teardown(self):
        """A server that behaves again is listed and watched after a few answers."""
        if not hasattr(self, "state"):
            return
        for _ in range(4):
            match self.state.activity:
                case Waiting(until=until):
                    self.now = max(self.now, until)
                    self.tell(Tick())
                case ListStream():
                    self.tell(Answered(protobuf=True))
                    self.tell(InitialEventsEnded(resource_version="8"))
                case ListPages():
                    self.tell(Answered(protobuf=True))
                    self.page_taken("8", None)
                case Watch():
                    self.tell(Answered(protobuf=True))
        assert isinstance(self.state.activity, Watch)
        assert self.asked
        assert self.state.listed
        assert not self.listing
        assert self.state.denied is None


TestAnyOrder = AnyOrder.TestCase
