"""When what was recorded is played."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from podwire.updates import play
from podwire.updates.play import LONGEST_DEATH_SECONDS, Play

SECOND_NS = 1_000_000_000


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A test's own directory has too long a name for sockets."""
    with tempfile.TemporaryDirectory(prefix="podwire-") as directory:
        yield Path(directory)


@pytest.mark.parametrize(("pace", "seconds"), [(1.0, 60.0), (20.0, 3.0)])
def test_it_is_played_at_the_pace_at_which_it_was_recorded_or_so_many_times_that(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch, pace: float, seconds: float
) -> None:
    monkeypatch.setattr(play, "monotonic", lambda: 100.0)
    with closing(Play(run_dir, pace=pace)) as played:
        assert played._due(5 * SECOND_NS, begins=False) == 100.0
        assert played._due(65 * SECOND_NS, begins=False) == 100.0 + seconds


def test_days_between_two_lives_are_not_waited_for_and_what_follows_keeps_its_pace(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "monotonic", lambda: 100.0)
    with closing(Play(run_dir, pace=1.0)) as played:
        played._due(5 * SECOND_NS, begins=False)
        day = 86_400 * SECOND_NS
        assert played._due(day, begins=True) == pytest.approx(100.0 + LONGEST_DEATH_SECONDS)
        assert played._due(day + 7 * SECOND_NS, begins=False) == pytest.approx(107.0 + LONGEST_DEATH_SECONDS)
        assert played._due(day + 9 * SECOND_NS, begins=True) == pytest.approx(109.0 + LONGEST_DEATH_SECONDS)


def test_without_a_pace_nothing_is_waited_for(run_dir: Path) -> None:
    with closing(Play(run_dir, pace=0.0)) as played:
        assert played._due(5 * SECOND_NS, begins=False) == -float("inf")
