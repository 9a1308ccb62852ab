"""Keeping: whatever becomes of the file, the process goes on, and says once that the recording is not whole."""

from pathlib import Path

import pytest

from common.errors import UsageError
from common.keeping import End, Keeper, Kept, checked_path
from common.logs import Log


def keeper(file: Path, kept: Kept, *, most_bytes: int = 1_000) -> Keeper:
    return Keeper(file, most_bytes=most_bytes, kept=kept, log=Log("test"))


def test_what_is_kept_is_in_the_file_at_once_and_behind_what_was_there(tmp_path: Path) -> None:
    file, kept = tmp_path / "recording", Kept()
    for _ in range(2):
        one = keeper(file, kept)
        one.keep(b"abc")
        assert file.stat().st_size == kept.bytes
        one.close()
    assert file.read_bytes() == b"abcabc"


def test_at_its_most_bytes_a_recording_ends_with_a_line_and_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever wrote them: several may write one file."""
    file, kept = tmp_path / "recording", Kept()
    one, other = keeper(file, kept, most_bytes=5), keeper(file, Kept())
    one.keep(b"abc")
    other.keep(b"def")
    for _ in range(3):
        one.keep(b"ghi")
    assert kept.ended == {End.LIMIT: 1, End.DISK: 0}
    assert file.read_bytes() == b"abcdef"
    assert [record.message for record in caplog.records] == ["recording ended"]
    other.close()


def test_a_full_disk_ends_the_recording_and_not_the_process(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    one = keeper(Path("/dev/full"), kept)
    for _ in range(3):
        one.keep(b"abc")
    one.close()
    assert kept.ended == {End.LIMIT: 0, End.DISK: 1}
    (record,) = caplog.records
    assert record.fields["why"] == "No space left on device"  # type: ignore[attr-defined]


def test_a_directory_that_went_away_costs_the_recording_and_not_the_process_that_starts_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    one = keeper(tmp_path / "gone" / "recording", kept)
    one.keep(b"abc")
    one.close()
    assert (kept.ended[End.DISK], kept.bytes, len(caplog.records)) == (1, 0, 1)


def test_a_path_that_cannot_be_recorded_to_is_told_before_anything_starts(tmp_path: Path) -> None:
    locked = tmp_path / "file"
    locked.touch()
    for path, why in (
        (tmp_path, "it is a directory"),
        (tmp_path / "no" / "x", "there is no directory"),
        (locked / "x", "no directory"),
    ):
        with pytest.raises(UsageError, match=f"^--record: cannot record to {path}: .*{why}"):
            checked_path(path, option="--record")
    assert checked_path(tmp_path / "new", option="--record") == tmp_path / "new"
    assert list(tmp_path.iterdir()) == [locked]
    assert checked_path(Path("/dev/full"), option="--record") == Path("/dev/full")
    assert checked_path(None, option="--record") is None
