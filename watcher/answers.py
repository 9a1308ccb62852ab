"""Questions for snapshots, as they come out of a watcher's socket. What is no question is dropped and told: anything may be sent to one."""

from collections.abc import Callable
from typing import Final

import zmq

from common.messages import BadMessage, SnapshotAsk, SnapshotChunk, SnapshotGone, decode, encode

MOST_ANSWERS: Final = 64
"""Questions answered in one turn: whoever asks without end must not hold up the watch."""


def answer_waiting(
    snapshots: zmq.Socket[bytes],
    answer: Callable[[bytes, SnapshotAsk], SnapshotChunk | SnapshotGone],
    dropped: Callable[[str], None],
) -> None:
    """Answers the questions that are there; `dropped` is told why a frame was none."""
    for _ in range(MOST_ANSWERS):
        if not snapshots.poll(0):
            return
        client, *frames = snapshots.recv_multipart()
        try:
            message = decode(frames[0] if len(frames) == 1 else b"")
        except BadMessage as error:
            dropped(str(error))
            continue
        if not isinstance(message, SnapshotAsk):
            dropped("no question for a snapshot")
            continue
        snapshots.send_multipart([client, encode(answer(client, message))])
