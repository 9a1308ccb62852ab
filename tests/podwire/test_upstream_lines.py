"""A recording as lines, and a recording played: what can be read is read, and what cannot is told."""

import json
import socket
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.recording import Entry, Lost, Recording
from podwire.cli import group
from podwire.upstream.lines import Broken, Line, Marker, Sent, Unreadable, lines, text
from relay.handshake import Identity
from relay.tally import Tally
from relay.upstream import Upstream
from relay.wire import Wire
from tests.fakes.ports import free_pair

NOW = 1_795_000_000_000_000_000


def stream() -> list[bytes]:
    """What a relay sends first on a connection, in chunks."""
    outbox = Upstream(Identity(hostname="h", cores=1, labels=(("a b", "c"),)), stamp_ns=NOW, tally=Tally()).outbox
    chunks = []
    while (head := outbox.head()) is not None:
        chunks.append(bytes(head))
        outbox.sent(len(head))
    return chunks


def connection(number: int = 1) -> list[Entry]:
    return [Entry(number, NOW, "connected"), *(Entry(number, NOW + 1_000, chunk) for chunk in stream())]


def names(found: list[Line]) -> list[str]:
    return [one.message for one in found if isinstance(one, Sent)]


HANDSHAKE = [
    "version_info",
    "connect",
    "report_cpu_cores",
    "set_config_label",
    "cloud_platform",
    "set_node_info",
    "metadata_complete",
]


def test_each_message_is_a_line_with_its_fields() -> None:
    found = list(lines([*connection(), Entry(1, NOW, "closed: reset")]))
    assert names(found) == HANDSHAKE
    assert [one.event for one in found if isinstance(one, Marker)] == ["connected", "closed: reset"]
    assert text(found[4]) == '2026-11-18T11:06:40.000001Z #1 set_config_label key="a b" value=c'


def test_behind_a_break_a_connection_cannot_be_followed_and_the_next_one_is() -> None:
    first = connection()
    found = list(lines([first[0], Lost(at=20, size=7), *first[1:], *connection()]))
    assert found[1] == Broken(broken_at=20, bytes=7)
    assert [type(one) for one in found].count(Unreadable) == 1
    assert names(found) == HANDSHAKE


def test_a_breach_of_the_protocol_is_told_and_the_next_connection_read() -> None:
    found = list(lines([Entry(1, NOW, "connected"), Entry(1, NOW, bytes(40)), Entry(1, NOW, b"x"), *connection()]))
    assert [one.unreadable for one in found if isinstance(one, Unreadable)] == ["at byte 0: unknown rpc_id 0"]
    assert names(found) == HANDSHAKE


def record(file: Path, *of: Entry) -> Path:
    recording = Recording(file)
    for one in of:
        recording.write(connection=one.connection, wall_ns=one.wall_ns, what=one.what)
    recording.close()
    return file


def podwire(*words: object, stdin: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(group, [str(word) for word in words], input=stdin, catch_exceptions=False)
    return result.exit_code, result.output


def test_decode_reads_a_file_and_a_pipe_and_says_by_its_exit_code_whether_that_was_all(tmp_path: Path) -> None:
    file = record(tmp_path / "r", *connection())
    code, output = podwire("decode", file, "--json")
    assert (code, [json.loads(line).get("message") for line in output.splitlines()]) == (0, [None, *HANDSHAKE])
    assert podwire("decode", "-", stdin=file.read_bytes()) == podwire("decode", file)
    code, output = podwire("decode", "-", stdin=file.read_bytes()[:-1])
    assert (code, output.splitlines()[-1].partition(":")[0]) == (1, "broken")
    assert podwire("decode", "-", stdin=b"") == (0, "")


def test_a_replay_sends_the_bytes_of_each_connection_on_one_of_its_own(tmp_path: Path) -> None:
    heard: list[bytes] = []

    def listen(server: socket.socket) -> None:
        for _ in range(2):
            with server.accept()[0] as accepted:
                heard.append(b"".join(iter(lambda: accepted.recv(65_536), b"")))

    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = threading.Thread(target=listen, args=(server,))
        listener.start()
        orphan = Entry(9, NOW, b"whose beginning is not there")
        file = record(tmp_path / "r", orphan, *connection(), Entry(1, NOW, "closed: reset"), *connection())
        code, output = podwire("replay", file, "--intake", f"127.0.0.1:{server.getsockname()[1]}", "--pace", "0")
        listener.join(20)
    assert heard == [b"".join(stream())] * 2
    assert (code, "on 2 connections" in output, "28 bytes left out" in output) == (1, True, True), output


def test_a_replay_to_nobody_says_so(tmp_path: Path) -> None:
    code, output = podwire("replay", record(tmp_path / "r", *connection()), "--intake", str(free_pair()))
    assert (code, "Connection refused" in output) == (1, True)


def test_the_wire_tells_what_the_socket_took_and_nothing_else() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        outbox = Upstream(Identity(hostname="h", cores=1, labels=()), stamp_ns=NOW, tally=Tally()).outbox
        for _ in range(200):
            outbox.put(bytes(10_000))
        taken: list[bytes] = []
        Wire(ours, sent=lambda data: taken.append(bytes(data))).send(outbox)
        assert outbox.size
        ours.close()
        assert b"".join(iter(lambda: theirs.recv(65_536), b"")) == b"".join(taken)


@pytest.mark.parametrize("command", ["decode", "replay"])
def test_a_file_that_cannot_be_read_is_the_users_mistake(command: str, tmp_path: Path) -> None:
    words = [command, str(tmp_path / "none"), *(["--intake", "127.0.0.1:1"] if command == "replay" else [])]
    with pytest.raises(Exception, match="No such file or directory"):
        CliRunner().invoke(group, words, catch_exceptions=False)
