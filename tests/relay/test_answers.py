"""Whether the peer still answers, by the kernel's counts."""

from hypothesis import given
from hypothesis import strategies as st

from relay.answers import FIRST, Segments, looked, unanswered_seconds

MORE = st.integers(0, 3)


def test_a_peer_that_answers_everything_owes_nothing() -> None:
    answers = FIRST
    for second in range(100):
        answers = looked(answers, Segments(second, second), second)
        assert unanswered_seconds(answers, second) == 0


def test_what_goes_out_again_and_again_is_unanswered_since_the_first_look_that_saw_it() -> None:
    answers = looked(FIRST, Segments(10, 10), 0)
    for second in range(1, 10):
        answers = looked(answers, Segments(10 + second, 10), second)
    assert unanswered_seconds(answers, 21) == 20


def test_one_answer_is_enough() -> None:
    """A slow reducer acknowledges the probes of its shut window, and nothing else."""
    answers = looked(looked(FIRST, Segments(10, 10), 0), Segments(11, 10), 1)
    answers = looked(answers, Segments(11, 11), 15)
    assert unanswered_seconds(answers, 100) == 0


def test_silence_without_a_question_is_nothing() -> None:
    answers = looked(looked(FIRST, Segments(10, 10), 0), Segments(10, 10), 1)
    assert unanswered_seconds(answers, 1_000) == 0


@given(st.lists(st.tuples(MORE, MORE)))
def test_it_is_the_time_since_a_question_after_the_last_answer(looks: list[tuple[int, int]]) -> None:
    answers, sent, received, since = FIRST, 0, 0, None
    for second, (more_sent, more_received) in enumerate(looks):
        sent, received = sent + more_sent, received + more_received
        answers = looked(answers, Segments(sent, received), second)
        if more_received:
            since = None
        elif more_sent and since is None:
            since = second
        assert unanswered_seconds(answers, second) == (0 if since is None else second - since)
