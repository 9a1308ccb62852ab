"""Recording what is sent, entry by entry."""

from pathlib import Path

from common.keeping import Keeper, Kept
from common.logs import Log
from common.recording import Entry, entries
from relay.record import Recorder


def test_what_is_sent_is_kept_by_connection_and_a_next_life_goes_on_behind_it(tmp_path: Path) -> None:
    file, kept = tmp_path / "recording", Kept()
    for _ in range(2):
        one = Recorder(Keeper(file, most_bytes=1_000, kept=kept, log=Log("relay")))
        one.connected(1)
        one.sent(memoryview(b"abc"))
        one.closed("reset")
        one.close()
    found = [one for one in entries(file.read_bytes()) if isinstance(one, Entry)]
    assert [(one.connection, one.what) for one in found] == [(1, "connected"), (1, b"abc"), (1, "closed: reset")] * 2
    assert kept.bytes == file.stat().st_size
