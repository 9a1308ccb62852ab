"""JSON over HTTP to the processes that chaos strikes: orders to the sandbox, and what they show."""

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 20.0
"""A storm on two cores makes the sandbox slow, not dead."""

GONE = (OSError, urllib.error.URLError, ValueError)
"""What asking raises when the process is not there, stands still, or is cut off in the middle of its answer."""


def fetch(address: str, path: str, *, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """The body of a GET. Raises one of `GONE`."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as response:
        body: bytes = response.read()
        return body


def post(address: str, path: str, order: Any = None, *, method: str = "POST") -> None:
    """Sends an order and takes no refusal. Raises one of `GONE`."""
    body = b"" if order is None else json.dumps(order).encode()
    request = urllib.request.Request(f"http://{address}{path}", data=body, method=method)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        response.read()
