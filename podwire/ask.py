"""Asks a process of this machine over HTTP: a stage's admin, the reference reducer, the sandbox's cluster."""

import http.client
import json
from pathlib import Path
from typing import Any

from common.address import parse_address
from common.errors import UsageError

TIMEOUT_SECONDS = 2.0


class NoAnswer(Exception):
    """The process is not there, or does not answer as it should. Its text says which, for people."""


def ask(address: str, path: str, *, method: str = "GET", body: Any = None) -> bytes:  # noqa: ANN401 (any JSON)
    """The body of the answer at HOST:PORT. Raises NoAnswer."""
    try:
        host, port = parse_address(address, option="address")
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, UsageError) as error:
        raise NoAnswer(f"{address} does not answer: {error}") from error
    if response.status not in (200, 503):
        raise NoAnswer(f"{address}{path} answers {response.status}")
    return content


def ask_json(address: str, path: str) -> Any:  # noqa: ANN401 (any JSON)
    """The answer's JSON. Raises NoAnswer."""
    try:
        return json.loads(ask(address, path))
    except ValueError as error:
        raise NoAnswer(f"{address}{path} does not answer with JSON") from error


def admin_of(run_dir: Path, stage: str) -> str:
    """Where a stage's admin listens. Raises NoAnswer when the stage is not running there, or runs with `--admin off`."""
    try:
        return (run_dir / f"{stage}.admin").read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise NoAnswer("not running") from error


def stage_state(run_dir: Path, stage: str) -> dict[str, Any]:
    """A stage's /state. Raises NoAnswer."""
    address = admin_of(run_dir, stage)
    state = ask_json(address, "/state")
    if not isinstance(state, dict):
        raise NoAnswer(f"{address}/state is no object")
    if state.get("stage") != stage:
        # What a killed stage left names a port that anybody may have by now, another stage first of all.
        raise NoAnswer("not running")
    return state
