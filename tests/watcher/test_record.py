"""Recording what a watcher publishes."""

from pathlib import Path

import msgspec
import pytest

from common.anonymous import Names
from common.errors import UsageError
from common.keeping import Keeper, Kept
from common.logs import Log
from common.messages import Apply, Beat, Condition, Updates, Usage, encode
from common.recording import WATCHER, WATCHER_HASHED, Entry, encode_entry, entries
from common.records import pack_record
from tests.fakes.pods import record
from watcher.cli import check_anonymize
from watcher.record import Recorder, check


def updates(sequence: int) -> Updates:
    events = [Apply(pack_record(record()))]
    return Updates(kind="jobs", incarnation="life", sequence=sequence, stamp_ns=1, events=events)


def beat(condition: Condition) -> Beat:
    return Beat(kind="jobs", incarnation="life", sequence=1, condition=condition, usage=Usage())


def keeper(file: Path, kept: Kept) -> Keeper:
    return Keeper(file, most_bytes=100_000, kept=kept, log=Log("watcher-test"))


def published(file: Path) -> list[tuple[int, object]]:
    return [(one.connection, one.what) for one in entries(file.read_bytes()) if isinstance(one, Entry)]


def test_each_update_is_kept_as_it_is_and_of_beats_those_that_tell_something(tmp_path: Path) -> None:
    file, kept = tmp_path / "recording", Kept()
    messages = [
        beat(Condition.LISTING),
        updates(1),
        beat(Condition.LISTING),
        beat(Condition.FOLLOWING),
        updates(2),
        beat(Condition.FOLLOWING),
    ]
    for _ in range(2):
        recorder = Recorder(keeper(file, kept), "jobs")
        for message in messages:
            recorder.published(message, encode(message))
        recorder.close()
    life = [(2, WATCHER), *((2, encode(messages[at])) for at in (0, 1, 3, 4))]
    assert published(file) == life * 2
    assert kept.bytes == file.stat().st_size


def test_recorders_of_several_kinds_may_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    both = [Recorder(keeper(file, Kept()), kind) for kind in ("pods", "jobs")]
    for number in (1, 2):
        for recorder in both:
            recorder.published(updates(number), encode(updates(number)))
    assert [number for number, _ in published(file)] == [0, 2, 0, 2, 0, 2]


def test_with_other_names_nothing_but_the_file_has_them(tmp_path: Path) -> None:
    file, message = tmp_path / "recording", msgspec.structs.replace(updates(1), kind="pods")
    recorder = Recorder(keeper(file, Kept()), "pods", rename=Names(b"k" * 32).updates)
    before = encode(message)
    recorder.published(message, before)
    assert b"web-1" in before
    assert encode(message) == before
    assert b"web-1" not in file.read_bytes()


def begun(file: Path, *, hashed: bool) -> Path:
    Recorder(keeper(file, Kept()), "jobs", rename=Names(b"k" * 32).updates if hashed else None).close()
    return file


@pytest.mark.parametrize("hashed", [False, True])
def test_a_recording_is_gone_on_with_by_one_of_its_sort_only(tmp_path: Path, hashed: bool) -> None:
    """Somebody would send it, and it would hold names in its beginning."""
    file = begun(tmp_path / "recording", hashed=hashed)
    assert [what for _, what in published(file)] == [WATCHER_HASHED if hashed else WATCHER]
    check(file, hashed=hashed)
    with pytest.raises(UsageError, match="names are hashed in it" if hashed else "names are not hashed in it"):
        check(file, hashed=not hashed)


def test_a_file_that_is_new_or_empty_can_be_recorded_to_and_one_that_is_something_else_cannot(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    check(file, hashed=True)
    file.touch()
    check(file, hashed=True)
    for other in (encode_entry(connection=1, wall_ns=1_800_000_000_000_000_000, what="connected"), b"some text\n"):
        file.write_bytes(other)
        with pytest.raises(UsageError, match="something else than what watchers publish"):
            check(file, hashed=False)


def test_names_are_not_hashed_in_nothing() -> None:
    check_anonymize({"anonymize": False, "record_updates": None})
    check_anonymize({"anonymize": True, "record_updates": None}, {}, {"record_updates": Path("updates.rec")})
    with pytest.raises(UsageError, match="name its file with --record-updates"):
        check_anonymize({"anonymize": True, "record_updates": None}, {})
