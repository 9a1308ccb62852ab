"""Endpoints as people write them, and where plain TCP ends."""

import socket
from typing import Any

import pytest

from common.address import Address
from common.errors import UsageError
from common.transport import endpoint, on_loopback, parse_endpoint, parse_listen


def resolving_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Every name stands for these addresses."""

    def resolve(_host: str, port: int, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_ipc_is_the_run_directory_and_tcp_an_address() -> None:
    assert parse_endpoint("ipc", option="--relay") is None
    assert parse_endpoint("tcp://relay:7400", option="--relay") == Address("relay", 7400)
    assert parse_listen("tcp://[::]:7400", option="--listen") == Address("::", 7400)


@pytest.mark.parametrize(
    "text", ["", "relay:7400", "ipc://x", "udp://relay:7400", "tcp://relay", "tcp://", "tcp://:7400"]
)
def test_what_is_no_endpoint_is_the_users_mistake(text: str) -> None:
    with pytest.raises(UsageError, match="--relay"):
        parse_endpoint(text, option="--relay")


@pytest.mark.parametrize("port", [0, 65_535])
def test_a_port_without_one_after_it_is_refused(port: int) -> None:
    with pytest.raises(UsageError, match=r"PORT\+1 are used"):
        parse_endpoint(f"tcp://relay:{port}", option="--relay")


def test_a_stage_listens_on_addresses_not_names() -> None:
    with pytest.raises(UsageError, match="'localhost' is no IP address"):
        parse_listen("tcp://localhost:7400", option="--listen")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1"])
def test_plain_tcp_on_loopback_is_taken(host: str) -> None:
    assert on_loopback(Address(host, 7400), option="--listen") == Address(host, 7400)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "169.254.1.1"])
def test_plain_tcp_off_loopback_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=r"--listen: tcp://.*not on loopback.*give --keys DIR"):
        on_loopback(Address(host, 7400), option="--listen")


def test_a_name_that_stands_for_loopback_is_pinned_to_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tomorrow it may stand for something else; and of two addresses the one that stages listen on more often."""
    resolving_to(monkeypatch, "::1", "127.0.0.1")
    assert on_loopback(Address("localhost", 7400), option="--relay") == Address("127.0.0.1", 7400)


def test_a_name_of_which_one_address_is_off_loopback_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, "127.0.0.1", "10.0.0.1")
    with pytest.raises(UsageError, match="tcp://relay:7400 is not on loopback"):
        on_loopback(Address("relay", 7400), option="--relay")


def test_a_name_that_nobody_knows_is_refused_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_arguments: Any, **_options: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UsageError, match="cannot resolve relay; with --keys"):
        on_loopback(Address("relay", 7400), option="--relay")


def test_the_second_socket_is_one_port_up() -> None:
    assert endpoint(Address("::1", 7400), offset=0) == "tcp://[::1]:7400"
    assert endpoint(Address("relay", 7400), offset=1) == "tcp://relay:7401"
