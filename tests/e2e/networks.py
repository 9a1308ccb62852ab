"""Networks that a test can spoil: a network namespace whose packets it can drop, and names that it can give to addresses.

Both are real: packets go over a pair of virtual interfaces and through the kernel's filter, names through the C library's resolver to a
DNS server. They need root, `ip` (iproute2) and `nft` (nftables).
"""

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.address import parse_address
from common.clock import monotonic

DROP_ALL = """
add table inet podwire
add chain inet podwire in {{ type filter hook input priority 0; }}
add chain inet podwire out {{ type filter hook output priority 0; }}
add rule inet podwire in tcp dport {port} drop
add rule inet podwire out tcp sport {port} drop
"""


@dataclass(frozen=True)
class Island:
    """A network namespace behind a cable: what runs in it is reached at `host`."""

    name: str
    host: str

    @property
    def within(self) -> list[str]:
        """A command that runs its command line there."""
        return ["ip", "netns", "exec", self.name]

    def drop(self, address: str) -> None:
        """From now on packets to and from this address's port vanish. Nobody is told."""
        port = parse_address(address, option="address").port
        _run(*self.within, "nft", "-f", "-", text=DROP_ALL.format(port=port))

    def restore(self) -> None:
        """Packets pass again."""
        _run(*self.within, "nft", "delete", "table", "inet", "podwire")


@contextmanager
def island() -> Iterator[Island]:
    """One of its own for this process."""
    _needs("ip", "nft")
    number = os.getpid() % 65_536
    # 198.18.0.0/15 is for tests of networks (RFC 2544); a /30 of it by this process's number.
    first = 0xC612_0000 + number % 32_768 * 4
    near, far = (socket.inet_ntoa(struct.pack(">I", first + one)) for one in (1, 2))
    name, cable = f"podwire-{number}", f"pw{number}"
    _run("ip", "netns", "add", name)
    try:
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "near", "netns", name)
        _run("ip", "addr", "add", f"{near}/30", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        _run("ip", "-n", name, "addr", "add", f"{far}/30", "dev", "near")
        _run("ip", "-n", name, "link", "set", "near", "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        yield Island(name, far)
    finally:
        # The cable goes with the namespace.
        _run("ip", "netns", "del", name)


SERVFAIL = 2
"""The code of an answer that says nothing but that it is none (RFC 1035)."""


class Names:
    """A DNS server. What it is asked is answered with `address`, or with a failure while that is None."""

    def __init__(self, host: str) -> None:
        self.address: str | None = None
        self.asked_at: list[float] = []
        """Monotonic times of questions for an IPv4 address."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answers no more."""
        with suppress(OSError):  # ENOTCONN, and yet it ends the wait in recvfrom(2)
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, peer = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), peer)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        (type_,) = struct.unpack_from(">H", query, end - 4)
        wants_ipv4 = type_ == 1
        if wants_ipv4:
            self.asked_at.append(monotonic())
        address = self.address if wants_ipv4 else None
        code = SERVFAIL if self.address is None else 0
        flags = 0x8180 | code
        header = query[:2] + struct.pack(">HHHHH", flags, 1, int(address is not None), 0, 0)
        record = b"" if address is None else b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        return header + query[12:end] + record


@dataclass(frozen=True)
class Resolver:
    """What the resolver of whoever runs `within` says of any name is `names`' to tell."""

    names: Names
    within: list[str]


@contextmanager
def resolver(directory: Path, *, host: str = "127.0.53.53") -> Iterator[Resolver]:
    """A mount namespace in which /etc/resolv.conf names our DNS server, on this address of the loopback, and no other."""
    _needs("unshare", "mount")
    file = directory / "resolv.conf"
    file.write_text(f"nameserver {host}\nsearch .\noptions timeout:1 attempts:1\n")
    script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    names = Names(host)
    try:
        yield Resolver(names, ["unshare", "--mount", "sh", "-c", script, str(file)])
    finally:
        names.close()


def _needs(*programs: str) -> None:
    """Skips the test where namespaces cannot be made."""
    missing = [program for program in programs if shutil.which(program) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"needs root and the programs {', '.join(programs)}; missing: {', '.join(missing) or 'root'}")


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
