"""Can the reducer be reached, by the relay's own way of connecting?"""

import socket

from common.address import Address
from podwire.check.findings import Finding
from relay.connect import Trouble
from relay.dial import Connected, attempt

_DO = {
    Trouble.NAME: "mend the name in --intake, or DNS here",
    Trouble.REFUSED: "nothing listens there: is the reducer up, and is this its intake's port (8000 by default)?",
    Trouble.TIMEOUT: "something drops the packets: let TCP through to it (firewall, NetworkPolicy)",
    Trouble.UNREACHABLE: "there is no route to it from here",
}


def probe_intake(intake: Address) -> list[Finding]:
    """Looks the name up and connects; nothing is sent."""
    outcome = attempt(intake, resolve=socket.getaddrinfo)
    if isinstance(outcome, Connected):
        outcome.connection.close()
        return [Finding("intake", "ok", f"{intake} accepts connections, at {outcome.peer}")]
    do = _DO.get(outcome.trouble, "is this the reducer's intake?")
    return [Finding("intake", "problem", f"the reducer cannot be reached: {outcome.text}", do)]
