"""Recording what is sent: whatever becomes of the file, the relay goes on."""

from pathlib import Path

import pytest

from common.logs import Log
from common.recording import Entry, Recording, entries
from relay.record import End, Recorder
from relay.tally import Tally


def recorder(file: Path, tally: Tally, *, most_bytes: int = 1_000) -> Recorder:
    recording = Recording(file, begins="behind")
    return Recorder(recording, file=str(file), most_bytes=most_bytes, tally=tally, log=Log("relay"))


def recorded(file: Path) -> list[tuple[int, bytes | str]]:
    found = [one for one in entries(file.read_bytes()) if isinstance(one, Entry)]
    return [(one.connection, one.what) for one in found]


def test_what_is_sent_is_kept_by_connection_and_a_next_life_goes_on_behind_it(tmp_path: Path) -> None:
    file, tally = tmp_path / "recording", Tally()
    for _ in range(2):
        one = recorder(file, tally)
        one.connected(1)
        one.sent(memoryview(b"abc"))
        one.closed("reset")
        one.close()
    assert recorded(file) == [(1, "connected"), (1, b"abc"), (1, "closed: reset")] * 2
    assert tally.recorded_bytes == file.stat().st_size


def test_at_its_most_bytes_a_recording_ends_with_a_line_and_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, tally = tmp_path / "recording", Tally()
    one = recorder(file, tally, most_bytes=30)
    one.connected(1)
    for _ in range(5):
        one.sent(memoryview(b"abc"))
    assert tally.recordings_ended == {End.LIMIT: 1, End.DISK: 0}
    assert recorded(file) == [(1, "connected"), (1, b"abc")]
    assert [record.message for record in caplog.records] == ["recording ended"]


def test_a_full_disk_ends_the_recording_and_not_the_relay(caplog: pytest.LogCaptureFixture) -> None:
    tally = Tally()
    one = recorder(Path("/dev/full"), tally)
    one.connected(1)
    one.sent(memoryview(b"abc"))
    one.close()
    assert tally.recordings_ended == {End.LIMIT: 0, End.DISK: 1}
    (record,) = caplog.records
    assert record.fields["why"] == "No space left on device"  # type: ignore[attr-defined]
