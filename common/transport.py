"""Where stages meet: in the run directory (`ipc`), or over TCP when they are apart, with CURVE wherever others can reach it.

A stage that listens on `tcp://ADDRESS:PORT` binds its two sockets to PORT and PORT+1. Plain TCP is for loopback only: what travels is
not secret to the machine's own users, and anybody who could connect could publish pods.

What TCP needs beyond ipc is set here. A name is looked up anew at each attempt to connect (libzmq does that), a peer that has
vanished is noticed by ZMTP heartbeats. Not on PUSH and PULL: a PULL with a full pipe reads nothing, so the heartbeats' answers wait
behind the emissions, and a slow reducer would cut the link (measured: it does). There TCP's keepalive ends what is idle and dead, and
the matcher connects anew to a relay that has fallen silent.
"""

import ipaddress
import socket as net

import zmq

from common.address import Address, parse_address
from common.errors import UsageError
from common.keys import OPTION as KEYS
from common.keys import KeyPair

IPC = "ipc"

HANDSHAKE_MS = 10_000
"""A peer that connects and does not finish the handshake is disconnected."""

CONNECT_MS = 5_000
"""An address that does not answer is given up, and the name looked up anew."""

HEARTBEAT_MS = 5_000
HEARTBEAT_TIMEOUT_MS = 15_000

RECONNECT_MS = 100
MOST_RECONNECT_MS = 1_000

_WITHOUT_HEARTBEATS = (zmq.PUSH, zmq.PULL)

_Socket = zmq.Socket[bytes]


def parse_endpoint(text: str, *, option: str) -> Address | None:
    """None for `ipc`, else the address in `tcp://HOST:PORT`. Raises UsageError that names the option."""
    if text == IPC:
        return None
    scheme, separator, rest = text.partition("://")
    if scheme != "tcp" or not separator:
        raise UsageError(f"{option}: {text!r} is neither {IPC} nor tcp://HOST:PORT")
    address = parse_address(rest, option=option)
    if not 0 < address.port < 65_535:
        raise UsageError(
            f"{option}: {text!r} names port {address.port}; PORT and PORT+1 are used, so 1 to 65534 will do"
        )
    return address


def written(address: Address | None) -> str:
    """What `parse_endpoint` makes this of."""
    return IPC if address is None else f"tcp://{address}"


def parse_listen(text: str, *, option: str) -> Address | None:
    """As `parse_endpoint`, of a stage that binds: the host is an IP address of this machine, or 0.0.0.0 or [::] for all."""
    address = parse_endpoint(text, option=option)
    if address is not None and _ip(address.host) is None:
        raise UsageError(f"{option}: {address.host!r} is no IP address; 0.0.0.0 listens on all of this machine's")
    return address


def on_loopback(address: Address, *, option: str) -> Address:
    """The address that plain TCP may use, with a name replaced by what it stands for. Raises UsageError off loopback."""
    if (ip := _ip(address.host)) is not None:
        found = [ip]
    else:
        try:
            resolved = net.getaddrinfo(address.host, address.port, type=net.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise UsageError(f"{option}: cannot resolve {address.host}; with {KEYS} it may come later") from error
        found = [ipaddress.ip_address(place[0]) for *_, place in resolved]
    if not all(one.is_loopback for one in found):
        raise UsageError(
            f"{option}: tcp://{address} is not on loopback, where plain TCP ends; give {KEYS} DIR (podwire keys makes one)"
        )
    # The name stays out of it: tomorrow it may stand for another machine.
    return address._replace(host=str(min(found, key=lambda one: one.version)))


def tune(socket: _Socket) -> None:
    """Sets what a socket needs on TCP. Before it connects or binds."""
    socket.setsockopt(zmq.IPV6, 1)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, MOST_RECONNECT_MS)
    for option, value in (
        (zmq.TCP_KEEPALIVE, 1),
        (zmq.TCP_KEEPALIVE_IDLE, 10),
        (zmq.TCP_KEEPALIVE_INTVL, 5),
        (zmq.TCP_KEEPALIVE_CNT, 3),
    ):
        socket.setsockopt(option, value)
    if socket.type not in _WITHOUT_HEARTBEATS:
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS)


def serve_curve(socket: _Socket, own: KeyPair) -> None:
    """Makes a socket that will bind answer CURVE only, and nobody whom no ZAP handler has let in."""
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, own.secret)
    socket.setsockopt(zmq.ZAP_DOMAIN, b"podwire")
    # Without this libzmq lets everybody in while no handler is bound.
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


def use_curve(socket: _Socket, own: KeyPair, *, server: bytes) -> None:
    """Makes a socket that will connect speak CURVE to whoever has this public key, and to nobody else."""
    socket.setsockopt(zmq.CURVE_SERVERKEY, server)
    socket.setsockopt(zmq.CURVE_PUBLICKEY, own.public)
    socket.setsockopt(zmq.CURVE_SECRETKEY, own.secret)


def endpoint(address: Address, *, offset: int) -> str:
    """The endpoint of the stage's first (0) or second (1) socket."""
    return f"tcp://{address._replace(port=address.port + offset)}"


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
