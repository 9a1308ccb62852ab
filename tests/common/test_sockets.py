"""Endpoints, and a publisher that knows when somebody joins."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from common.errors import UsageError
from common.sockets import (
    LONGEST_IPC_PATH,
    bind_ipc,
    joined,
    link_endpoint,
    new_publisher,
    new_socket,
    updates_endpoint,
)


@pytest.fixture
def context() -> Iterator[zmq.Context[zmq.Socket[bytes]]]:
    with zmq.Context() as context:
        yield context


def test_a_path_that_no_unix_socket_can_have_is_the_users_mistake() -> None:
    deep = Path("/") / ("d" * LONGEST_IPC_PATH)
    with pytest.raises(UsageError, match="choose a shorter --run-dir"):
        link_endpoint(deep)


def test_each_kind_has_an_endpoint_of_its_own(tmp_path: Path) -> None:
    assert updates_endpoint(tmp_path, "pods") != updates_endpoint(tmp_path, "jobs")


def test_a_path_that_the_dead_left_is_taken_over_and_another_that_cannot_be_is_the_users_to_remove(
    context: zmq.Context[zmq.Socket[bytes]], tmp_path: Path
) -> None:
    link = tmp_path / "relay.link"
    with new_socket(context, zmq.PULL, high_water=1) as socket:
        link.touch()
        bind_ipc(socket, link_endpoint(tmp_path))
        assert link.is_socket()
    link.unlink(missing_ok=True)
    link.mkdir()
    with (
        new_socket(context, zmq.PULL, high_water=1) as socket,
        pytest.raises(UsageError, match=f"cannot listen on {link}: Address already in use; remove it"),
    ):
        bind_ipc(socket, link_endpoint(tmp_path))


def test_a_publisher_hears_each_subscriber_once_and_nothing_else_they_send(
    context: zmq.Context[zmq.Socket[bytes]], tmp_path: Path
) -> None:
    """Two subscribers to the same topic are two who join, and garbage sent to the publisher is no subscription."""
    publisher = new_publisher(context, high_water=10)
    publisher.bind(link_endpoint(tmp_path))
    assert not joined(publisher)
    subscribers = [new_socket(context, zmq.XSUB, high_water=10) for _ in range(2)]
    for subscriber in subscribers:
        subscriber.connect(link_endpoint(tmp_path))
        subscriber.send(b"\x01")
        assert publisher.poll(5_000)
        assert joined(publisher)
        assert not joined(publisher)
    subscribers[0].send(b"garbage")
    assert publisher.poll(5_000)
    assert not joined(publisher)
    for socket in (publisher, *subscribers):
        socket.close()
