"""Every stage's admin HTTP: /healthz, /readyz, /state and /metrics, answered by a thread beside the stage's loop.

A stage may answer `Question`s beside these, each at a path of its own, with what stands in the query.

A stage hands over a `View` of itself and calls `turned` once per turn of its loop. Requests only read: what a view gives is worked
out at the moment of the request, so a stage that nobody asks pays nothing but the thread. Loopback unless told otherwise; there is
no authentication. `RUN_DIR/<stage>.admin` says where it listens.

A loop that is busy must not starve the admin's threads of the interpreter's lock (GIL). A waiting thread asks for the lock after
`sys.getswitchinterval()` without a release, so a loop whose every turn releases it for the microseconds of a system call, and takes it
again before the other thread has woken up, keeps it for seconds (measured: up to 20 s for a request). Hence `turned` sleeps for
a moment: at each turn while a request is being answered, else every `GIVE_WAY_EVERY_SECONDS` of a loop that does not sleep by itself.
"""

import errno
import json
import os
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl

from common.address import Address, lookup_name, parse_address
from common.clock import monotonic
from common.errors import UsageError
from common.logs import Log, last_error
from common.process import process_facts
from common.version import VERSION

if TYPE_CHECKING:
    from prometheus_client.core import Metric

STALL_SECONDS = 10.0
"""A loop that has not turned for so long is taken for stuck: loops turn at least once a second."""

GIVE_WAY_EVERY_SECONDS = 0.015
"""How long a request may wait for a busy loop before its thread gets a turn."""

GIVE_WAY_SECONDS = 0.0001
"""Enough for a thread that waits for the lock to wake up and take it; one percent of a busy loop's time."""

SWITCH_INTERVAL_SECONDS = 0.001
"""For turns that are long: a request takes the lock about ten times, and Python's 5 ms each would add up."""

IDLE_SECONDS = 30.0
"""A connection without a request is closed after this time, with its thread."""

MOST_CONNECTIONS = 32
"""Answered at a time: probes, a scraper or two and some people. Whoever comes above that is hung up on, so that connections that
nobody uses cannot take all the threads that the stage itself needs."""


class View(Protocol):
    """What a stage shows of itself. Called from the admin's threads while the stage's loop runs: it reads, quickly, and changes nothing."""

    def state(self) -> dict[str, Any]:
        """What /state adds to the process's facts; JSON can say it."""

    def not_ready(self) -> str | None:
        """Why the stage is not in sync, or None when it is."""

    def metrics(self) -> "Iterable[Metric]":
        """Metric families, named podwire_watcher_..., podwire_matcher_... or podwire_relay_... (docs/metrics.md)."""


Question = Callable[[Mapping[str, str]], Any]
"""From a query's parameters to what JSON can say. Called as a `View` is. UsageError's text is for the asker, who asked something wrong."""


class Admin:
    """A stage's admin HTTP while the stage runs; with no server (`--admin off`) its calls do nothing."""

    def __init__(self, server: "_Server | None", file: Path) -> None:
        self._server = server
        self._file = file

    def turned(self) -> None:
        """The stage's loop has turned: /healthz is good for another `STALL_SECONDS`, and requests that wait get their turn."""
        if self._server is not None:
            self._server.turned()

    def close(self) -> None:
        """Stops answering and removes the file. Call it once, before the stage's place is given up."""
        if self._server is not None:
            self._server.stop()
            self._file.unlink(missing_ok=True)


def open_admin(
    *, stage: str, run_dir: Path, listen: str, view: View, questions: Mapping[str, Question] = MappingProxyType({})
) -> Admin:
    """Starts to answer on `listen` (HOST:PORT, port 0 for a free one, or `off`) and writes the address to `RUN_DIR/<stage>.admin`.

    `questions` are by their paths, as `/why`.

    Raises UsageError for an address that cannot be parsed or listened on.
    """
    file = run_dir / f"{stage}.admin"
    if listen == "off":
        file.unlink(missing_ok=True)
        return Admin(None, file)
    server = _listen(parse_address(listen, option="--admin"), stage=stage, view=view, questions=questions)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    threading.Thread(target=server.serve, name=f"{stage}-admin", daemon=True).start()
    _write_atomically(file, f"{server.address}\n")
    return Admin(server, file)


def _listen(wanted: Address, *, stage: str, view: View, questions: Mapping[str, Question]) -> "_Server":
    try:
        family, _, _, _, address = socket.getaddrinfo(lookup_name(wanted.host), wanted.port, type=socket.SOCK_STREAM)[0]
        return _Server(family, address, stage=stage, view=view, questions=questions)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"--admin {wanted}: {reason}; choose another address, port 0 for a free one, or off"
        ) from error


def _write_atomically(file: Path, text: str) -> None:
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_text(text, "ascii")
    fresh.replace(file)


class _Server(socketserver.ThreadingTCPServer):
    """A thread per connection. Not http.server.HTTPServer: that looks up the host's full name in DNS, which can take seconds."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(
        self,
        family: int,
        address: Any,  # noqa: ANN401 (as the socket module)
        *,
        stage: str,
        view: View,
        questions: Mapping[str, Question],
    ) -> None:
        self.address_family = family
        super().__init__(address, _Handler)
        self.stage = stage
        self.view = view
        self.questions = questions
        self.log = Log(stage)
        self.started = self.turned_at = self._gave_way_at = monotonic()
        self._worked = time.thread_time()
        """Processor time of the loop's thread when it last was asked whether it sleeps by itself."""
        self._answering = 0
        self._answering_lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self.address = Address(*self.socket.getsockname()[:2])

    def serve(self) -> None:
        """Accepts until `stop`. Unlike `serve_forever`, it sleeps in the kernel and not in a poll of half a second."""
        while True:
            try:
                connection, client = self.get_request()
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.EBADF):
                    return
                # Out of descriptors, or a client that hung up: neither may end the admin nor make it spin.
                time.sleep(GIVE_WAY_EVERY_SECONDS)
            else:
                self._begin(connection, client)

    def _begin(self, connection: Any, client: Any) -> None:  # noqa: ANN401 (as the socket module)
        if not self._places.acquire(blocking=False):
            self.shutdown_request(connection)
            return
        try:
            self.process_request(connection, client)
        except RuntimeError:
            # No thread is left (a limit on PIDs): this client goes away, those that hold the threads do so after `IDLE_SECONDS`.
            self._places.release()
            self.shutdown_request(connection)
            time.sleep(GIVE_WAY_EVERY_SECONDS)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (as the parent class)
        """The life of a connection's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def stop(self) -> None:
        """Ends `serve`: a shut down listener wakes up whoever waits in accept(2), a closed one does not."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def turned(self) -> None:
        """Notes the turn, and gives way to the threads when it is time."""
        now = self.turned_at = monotonic()
        since = now - self._gave_way_at
        if self._answering or since >= GIVE_WAY_EVERY_SECONDS:
            before, self._worked = self._worked, time.thread_time()
            self._gave_way_at = now
            if self._answering or self._worked - before > since / 2:
                time.sleep(GIVE_WAY_SECONDS)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While a request is being answered the loop gives way at each turn."""
        with self._answering_lock:
            self._answering += 1
        try:
            yield
        finally:
            with self._answering_lock:
                self._answering -= 1

    def handle_error(self, _request: Any, _client_address: Any) -> None:  # noqa: ANN401 (as the parent class)
        self.log.debug("an admin connection broke")


class _Answer(NamedTuple):
    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answers by path; BaseHTTPRequestHandler's contract fixes the name."""
        with self.server.answering():
            self._give(self._try_to_answer())

    def _try_to_answer(self) -> _Answer:
        try:
            path, _, query = self.path.partition("?")
            return self._answer(path, query)
        except UsageError as error:
            return _Answer(HTTPStatus.BAD_REQUEST, f"{error}\n".encode())
        except Exception as error:  # noqa: BLE001 (whatever is wrong in a view, the asker gets an answer and the stage lives)
            self.server.log.error("an admin request failed", path=self.path, error=repr(error))
            return _Answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error!r}\n".encode())

    def _give(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _answer(self, path: str, query: str) -> _Answer:
        match path:
            case "/healthz":
                return self._health()
            case "/readyz":
                reason = self.server.view.not_ready()
                return _Answer(HTTPStatus.OK, b"ready\n") if reason is None else _unavailable(reason)
            case "/state":
                return _json(_state(self.server))
            case "/metrics":
                return _metrics(self.server)
            case _ if path in self.server.questions:
                return _json(self.server.questions[path](dict(parse_qsl(query))))
            case _:
                here = ", ".join(("/healthz", "/readyz", "/state", "/metrics", *self.server.questions))
                return _Answer(HTTPStatus.NOT_FOUND, f"here are {here}\n".encode())

    def _health(self) -> _Answer:
        silent = monotonic() - self.server.turned_at
        return (
            _Answer(HTTPStatus.OK, b"alive\n")
            if silent < STALL_SECONDS
            else _unavailable(f"the loop has not turned for {silent:.0f} s")
        )

    def version_string(self) -> str:
        """The Server header."""
        return f"podwire/{VERSION}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 (as the parent class)
        self.server.log.debug("admin request", line=format % args)


def _unavailable(reason: str) -> _Answer:
    return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{reason}\n".encode())


def _json(value: Any) -> _Answer:  # noqa: ANN401 (whatever JSON can say)
    return _Answer(HTTPStatus.OK, json.dumps(value).encode() + b"\n", "application/json")


def _state(server: _Server) -> dict[str, Any]:
    """The process's facts, why it is not in sync (None when it is), the last warning, and what the view adds."""
    facts = process_facts(stage=server.stage, started=server.started)
    view = server.view
    return facts | {"not_ready": view.not_ready(), "last_error": last_error(server.stage, monotonic())} | view.state()


def _metrics(server: _Server) -> _Answer:
    # Imported at the first scrape: 4 MB that a stage which nobody scrapes does without.
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    from common.metrics import gauge

    class Collector:
        def collect(self) -> "Iterable[Metric]":
            yield gauge("podwire_build_info", "1; what runs here.", 1, version=VERSION, stage=server.stage)
            yield gauge("podwire_ready", "1 while /readyz says ready.", float(server.view.not_ready() is None))
            yield from server.view.metrics()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    ProcessCollector(registry=registry)
    return _Answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
