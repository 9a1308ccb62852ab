"""Asks what runs in this container whether it is well: `podwire healthcheck` without the command line's library.

It runs every few seconds beside each stage and has to cost little, so it imports next to nothing: HTTP/1.0 over a socket, since
http.client brings TLS and e-mail along; the stages' names from the run directory, since their own modules bring everything else.

A run directory may be a volume that containers share, and an address in it may be good in another network namespace only. So a
stage counts as here when the process that holds its place can be seen from here, and only what is here is asked.
"""

import os
import socket
from collections.abc import Iterable

TIMEOUT_SECONDS = 2.0
LONGEST_ANSWER_BYTES = 4_096


class Unwell(Exception):
    """Its text says what is wrong with what was asked, in a line."""


def probe(targets: Iterable[str], *, run_dir: str, ready: bool) -> tuple[int, str]:
    """Asks stages, by name, or whatever listens at HOST:PORT; without targets, all stages that run here.

    Gives exit code 0, or 1, and a line that says why. `ready` asks whether they are in sync, and not only alive.
    """
    asked = list(targets) or stages_here(run_dir)
    if not asked:
        return 1, f"no stage with an admin HTTP runs here with the run directory {run_dir}"
    faults = []
    for target in asked:
        try:
            ask(target, "/readyz" if ready else "/healthz", run_dir=run_dir)
        except Unwell as unwell:
            faults.append(str(unwell))
    return (1, "; ".join(faults)) if faults else (0, f"{'ready' if ready else 'alive'}: {', '.join(asked)}")


def stages_here(run_dir: str) -> list[str]:
    """The stages that run here and answer HTTP."""
    try:
        names = [name.removesuffix(".admin") for name in os.listdir(run_dir) if name.endswith(".admin")]  # noqa: PTH208 (lean)
    except OSError:
        return []
    return sorted(name for name in names if runs_here(run_dir, name))


def runs_here(run_dir: str, stage: str) -> bool:
    """Whether the process that holds the stage's place (`common.place`) is in this PID namespace."""
    place = f"{run_dir}/{stage}.pid"
    try:
        held = os.stat(place)  # noqa: PTH116 (lean)
        descriptors = f"/proc/{int(_text_of(place))}/fd"
        return any(_is(held, f"{descriptors}/{number}") for number in os.listdir(descriptors))  # noqa: PTH208 (lean)
    except (OSError, ValueError):
        return False


def ask(target: str, path: str, *, run_dir: str) -> None:
    """Asks one stage or address. Raises Unwell."""
    address = target if ":" in target else _address_of(run_dir, target)
    try:
        status, text = _get(address, path)
    except (OSError, ValueError) as error:
        raise Unwell(f"{target} does not answer: {error}") from error
    if status != "200":
        raise Unwell(f"{target}: {text or f'{path} answers {status}'}")


def _is(held: os.stat_result, descriptor: str) -> bool:
    try:
        return os.path.samestat(held, os.stat(descriptor))  # noqa: PTH116 (lean)
    except FileNotFoundError:  # closed since it was listed
        return False


def _address_of(run_dir: str, stage: str) -> str:
    if not runs_here(run_dir, stage):
        raise Unwell(f"{stage} does not run here with the run directory {run_dir}")
    try:
        return _text_of(f"{run_dir}/{stage}.admin").strip()
    except OSError as error:
        raise Unwell(f"{stage} has no admin HTTP (yet, or --admin off)") from error


def _text_of(file: str) -> str:
    with open(file, encoding="utf-8") as opened:  # noqa: PTH123 (lean)
        return opened.read()


def _get(address: str, path: str) -> tuple[str, str]:
    """Status code and first line of what `GET path` answers. Raises OSError, or ValueError where that is no HTTP or no address."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while len(answer) < LONGEST_ANSWER_BYTES and (more := connection.recv(LONGEST_ANSWER_BYTES)):
            answer += more
    head, _, body = answer.decode(errors="replace").partition("\r\n\r\n")
    protocol, _, rest = head.partition(" ")
    if not protocol.startswith("HTTP/"):
        raise ValueError("what listens there speaks no HTTP")
    return rest[:3], body.partition("\n")[0]
