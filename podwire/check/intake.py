"""Can the reducer be reached, by the relay's own way of connecting, TLS included?"""

import socket
import ssl

from podwire.check.findings import Finding
from relay.connect import Trouble
from relay.dial import Connected, attempt, text_of
from relay.settings import Settings

REFUSAL_SECONDS = 0.5
"""With TLS 1.3 a client's certificate is refused after the handshake. A reducer that takes it says nothing until it is told something."""

_CERTIFICATES = "look at --intake-ca and --intake-server-name, and at --intake-cert where the reducer asks who we are"

_DO = {
    Trouble.NAME: "mend the name in --intake, or DNS here",
    Trouble.REFUSED: "nothing listens there: is the reducer up, and is this its intake's port (8000 by default)?",
    Trouble.TIMEOUT: "something drops the packets: let TCP through to it (firewall, NetworkPolicy)",
    Trouble.UNREACHABLE: "there is no route to it from here",
    Trouble.TLS: _CERTIFICATES,
}


def probe_intake(settings: Settings) -> list[Finding]:
    """Looks the name up, connects, and agrees on TLS where that is asked for; nothing is sent."""
    outcome = attempt(settings.intake, tls=settings.tls, resolve=socket.getaddrinfo)
    if not isinstance(outcome, Connected):
        do = _DO.get(outcome.trouble, "is this the reducer's intake?")
        return [Finding("intake", "problem", f"the reducer cannot be reached: {outcome.text}", do)]
    with outcome.connection:
        refusal = _refusal(outcome.connection)
    if refusal:
        return [Finding("intake", "problem", f"the reducer cuts the connection: {refusal}", _CERTIFICATES)]
    tls = "" if settings.tls is None else ", over TLS"
    return [Finding("intake", "ok", f"{settings.intake} accepts connections, at {outcome.peer}{tls}")]


def _refusal(connection: socket.socket) -> str:
    """What the reducer says against a TLS connection that stands; empty where nothing."""
    if not isinstance(connection, ssl.SSLSocket):
        return ""
    connection.settimeout(REFUSAL_SECONDS)
    try:
        return "" if connection.recv(1) else "it was closed"
    except TimeoutError:
        return ""
    except OSError as error:
        return text_of(error)
