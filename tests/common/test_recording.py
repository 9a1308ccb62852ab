"""Recordings: what is written is read again, and what is broken is told and costs no whole entry behind it."""

import io
import os
import stat
from pathlib import Path

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.errors import UsageError
from common.recording import Entry, Lost, Recording, entries

NOW = 1_795_000_000_000_000_000

ENTRIES = st.lists(
    st.builds(
        Entry,
        connection=st.integers(0, 2**32 - 1),
        wall_ns=st.integers(NOW, NOW + 10**17),
        what=st.binary(max_size=400) | st.just("connected") | st.text(max_size=300).map("closed: {}".format),
    ),
    max_size=6,
)


def written(*of: Entry) -> bytes:
    return b"".join(msgpack.packb([one.connection, one.wall_ns, one.what]) for one in of)


@given(ENTRIES)
@example([Entry(0x9301, NOW, "connected")])
def test_every_recording_is_read_as_it_was_written(those: list[Entry]) -> None:
    assert list(entries(written(*those))) == those


@given(ENTRIES, st.data())
def test_a_broken_tail_is_told_and_what_is_before_it_is_whole(those: list[Entry], data: st.DataObject) -> None:
    whole = written(*those)
    cut = data.draw(st.integers(0, len(whole)))
    found = list(entries(whole[:cut]))
    read = [one for one in found if isinstance(one, Entry)]
    assert read == those[: len(read)]
    assert len(written(*read)) + sum(one.size for one in found if isinstance(one, Lost)) == cut
    if len(read) < len(those):
        assert len(written(*those[: len(read) + 1])) > cut


@given(ENTRIES.filter(bool), ENTRIES.filter(bool), st.data())
def test_reading_resumes_at_the_first_entry_behind_a_torn_one(
    before: list[Entry], after: list[Entry], data: st.DataObject
) -> None:
    """If a process is killed while it writes and the next one goes on in the same file, only the torn entry is lost."""
    # Torn within the connection's number, both together may make another number: nobody could tell.
    number = len(msgpack.packb(before[-1].connection))
    torn = written(before[-1])[: data.draw(st.integers(1 + number, len(written(before[-1])) - 1))]
    found = list(entries(written(*before[:-1]) + torn + written(*after)))
    assert [one for one in found if isinstance(one, Entry)] == before[:-1] + after
    assert found.count(Lost(at=len(written(*before[:-1])), size=len(torn))) == 1


@given(ENTRIES, st.binary(max_size=300))
def test_any_bytes_are_accounted_for(those: list[Entry], garbage: bytes) -> None:
    found = list(entries(garbage + written(*those)))
    lost = sum(one.size for one in found if isinstance(one, Lost))
    read = len(written(*(one for one in found if isinstance(one, Entry))))
    assert lost + read == len(garbage) + len(written(*those))


def test_a_recording_that_goes_on_keeps_what_was_there_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "recording"
    sizes = []
    for begins in ("anew", "behind"):
        recording = Recording(file, begins=begins)
        recording.write(connection=1, wall_ns=NOW, what=memoryview(b"abc"))
        sizes.append(recording.size)
        recording.close()
    assert sizes == [file.stat().st_size // 2, file.stat().st_size]
    assert list(msgpack.Unpacker(io.BytesIO(file.read_bytes()))) == [[1, NOW, b"abc"]] * 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_where_nothing_can_be_written_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file or directory"):
        Recording(tmp_path / "no" / "where")


def test_a_full_disk_is_an_error_with_its_number() -> None:
    recording = Recording(Path("/dev/full"), begins="behind")
    with pytest.raises(OSError, match=os.strerror(28)):
        recording.write(connection=1, wall_ns=NOW, what=b"abc")
    recording.close()
