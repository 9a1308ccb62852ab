"""Which of a pod's addresses the reducer is told. The wire carries IPv4 only (protocol.md)."""

import socket
from collections.abc import Callable, Sequence
from typing import Final, Literal

IpFamily = Literal["ipv4", "primary"]

UNROUTABLE: Final = "0.0.0.0"  # noqa: S104 (an address that is sent, nothing is bound to it)
"""What stands for a pod that has addresses but none that the wire can carry."""

Choice = Callable[[Sequence[str]], str]
"""From a record's IPs (`podIP` first) to the address to send; empty while the pod has none."""


def first_ipv4(ips: Sequence[str]) -> str:
    """The first IPv4 address among them."""
    for ip in ips:
        if is_ipv4(ip):
            return ip
    return UNROUTABLE if ips else ""


def primary(ips: Sequence[str]) -> str:
    """`podIP`, if the wire can carry it."""
    return first_ipv4(ips[:1])


def choice_of(family: IpFamily) -> Choice:
    """The choice that `--ip-family` names."""
    return first_ipv4 if family == "ipv4" else primary


def is_ipv4(text: str) -> bool:
    """Four decimal bytes with dots, as inet_pton(3) takes them."""
    try:
        socket.inet_pton(socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True
