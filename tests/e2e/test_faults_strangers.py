"""Something connects that is not of podwire, and says what is no ZeroMQ, no HTTP, or too much. See docs/faults.md."""

import socket
from contextlib import suppress
from pathlib import Path

import pytest
import zmq

from common.address import parse_address
from common.records import KINDS
from common.sockets import LARGEST_FRAME_BYTES, emissions_endpoint
from podwire.ask import admin_of
from podwire.stages import STAGES
from tests.e2e.garbage import GARBAGE, RANDOM, assert_a_change_arrives, connected
from tests.e2e.sandboxed import running, sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

SPEAKS = {".updates": b"SUB", ".snapshots": b"DEALER", ".emissions": b"PUSH", ".link": b"SUB", ".tap": b"SUB"}
"""What connects to a socket's file, by its suffix."""


def junk(speaks: bytes) -> dict[str, bytes]:
    """What something may send that is no ZeroMQ, or stops being it (ZMTP 3.0, without security)."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(48)
    properties = b"\x05READY\x0bSocket-Type" + len(speaks).to_bytes(4, "big") + speaks
    handshake = greeting + bytes([4, len(properties)]) + properties
    return {
        "nothing": b"",
        "no ZMTP": RANDOM.randbytes(100_000),
        "half a greeting": greeting[:20],
        "no ZMTP after the greeting": greeting + RANDOM.randbytes(100_000),
        "no ZMTP after the handshake": handshake + RANDOM.randbytes(100_000),
        "a frame of 2^64 bytes": handshake + b"\x02" + b"\xff" * 8 + bytes(100_000),
    }


def test_bytes_that_are_no_zeromq_into_every_endpoint(tmp_path: Path) -> None:
    """Something that connects to a socket's file and is no ZeroMQ."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_ready()
        files = [one for one in podwire.run_dir.iterdir() if one.is_socket()]
        assert {file.suffix for file in files} == SPEAKS.keys()
        assert len(files) == 2 * len(KINDS) + 3, "two of each watcher, three of the relay"
        for file in files:
            for data in junk(SPEAKS[file.suffix]).values():
                send_bytes(file, data)
        assert_a_change_arrives(podwire, "after-garbage")
        podwire.assert_in_step()


def send_bytes(file: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger, suppress(BrokenPipeError, ConnectionResetError):
        stranger.connect(str(file))
        stranger.sendall(data)


def test_bytes_that_are_no_http_into_every_admin(tmp_path: Path) -> None:
    """The admin goes on answering, and the stage does not notice."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_ready()
        for stage in STAGES:
            address = parse_address(admin_of(podwire.run_dir, stage), option="address")
            for data in (*GARBAGE, b"GET /state HTTP/9.9\r\n\r\n", b"GET /state HTTP/1.1\r\n" + b"a: b\r\n" * 1_000):
                with socket.create_connection(address) as stranger, suppress(BrokenPipeError, ConnectionResetError):
                    stranger.sendall(data)
            assert podwire.state(stage)["not_ready"] is None
        assert_a_change_arrives(podwire, "after-garbage")
        podwire.assert_in_step()


def test_a_frame_larger_than_any_message(tmp_path: Path) -> None:
    """Its sender is disconnected; nobody keeps room for it."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_ready()
        before = podwire.state("relay")["rss_kib"]
        with (
            connected(zmq.PUSH, emissions_endpoint(podwire.run_dir)) as stranger,
            stranger.get_monitor_socket(zmq.EVENT_DISCONNECTED) as events,
        ):
            stranger.send(bytes(LARGEST_FRAME_BYTES + 1))
            assert events.poll(20_000), "the relay took it"
            stranger.disable_monitor()
        assert_a_change_arrives(podwire, "after-garbage")
        assert podwire.state("relay")["rss_kib"] - before < LARGEST_FRAME_BYTES // 1024 // 2
        assert podwire.state("relay")["bad_frames"] == {"emissions": 0}
        podwire.assert_in_step()
