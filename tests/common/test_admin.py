"""The admin HTTP over a real loopback socket; time only where a test sets it."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families

from common import admin as admin_module
from common.admin import GIVE_WAY_SECONDS, Admin, open_admin
from common.errors import UsageError
from common.version import VERSION


class FakeView:
    """A stage's view with what a test puts in."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.more: dict[str, Any] = {"pods": 7}
        self.before: Callable[[], None] = lambda: None

    def state(self) -> dict[str, Any]:
        self.before()
        return self.more

    def not_ready(self) -> str | None:
        return self.reason

    def metrics(self) -> list[Metric]:
        family = CounterMetricFamily("podwire_relay_emissions", "Emissions taken.", labels=["kind"])
        family.add_metric(["pod_new"], 41)
        return [family]


@contextmanager
def opened(run_dir: Path, view: FakeView, listen: str = "127.0.0.1:0") -> Iterator[Admin]:
    admin = open_admin(stage="relay", run_dir=run_dir, listen=listen, view=view)
    try:
        yield admin
    finally:
        admin.close()


def get(run_dir: Path, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection((run_dir / "relay.admin").read_text().strip(), timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_the_state_has_the_process_facts_and_what_the_view_adds(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        status, body = get(tmp_path, "/state")
    state = json.loads(body)
    assert status == 200
    assert (state["stage"], state["pid"], state["version"], state["pods"]) == ("relay", os.getpid(), VERSION, 7)
    assert state["uptime_seconds"] >= 0
    assert (state["not_ready"], state["last_error"]) == (None, None)
    assert state["cpu_seconds"] > 0
    assert state["rss_kib"] >= state["pss_kib"] > 1_000


def test_a_stage_is_ready_when_its_view_has_no_reason_against_it(tmp_path: Path) -> None:
    view = FakeView()
    with opened(tmp_path, view):
        assert get(tmp_path, "/readyz") == (200, "ready\n")
        view.reason = "waiting for the snapshot of jobs"
        assert get(tmp_path, "/readyz") == (503, "waiting for the snapshot of jobs\n")


def test_a_loop_that_has_not_turned_for_ten_seconds_is_not_alive_until_it_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(admin_module, "monotonic", lambda: now)
    with opened(tmp_path, FakeView()) as admin:
        now = 1_009.9
        assert get(tmp_path, "/healthz") == (200, "alive\n")
        now = 1_010.0
        assert get(tmp_path, "/healthz") == (503, "the loop has not turned for 10 s\n")
        admin.turned()
        assert get(tmp_path, "/healthz") == (200, "alive\n")


class Busy:
    """A stage's loop in virtual time: what it has worked, and for how long it was made to sleep."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.worked = 0.0
        self.slept: list[float] = []
        monkeypatch.setattr(admin_module, "monotonic", lambda: self.now)
        monkeypatch.setattr(
            admin_module, "time", SimpleNamespace(sleep=self.slept.append, thread_time=lambda: self.worked)
        )

    def turn(self, admin: Admin, *, working: float = 0.0, sleeping: float = 0.0) -> list[float]:
        """A turn that takes so many seconds; gives the sleeps that it was made to take."""
        self.now += working + sleeping
        self.worked += working
        self.slept.clear()
        admin.turned()
        return list(self.slept)


def test_a_loop_that_never_sleeps_gives_way_every_15_ms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch)
    with opened(tmp_path, FakeView()) as admin:
        for _ in range(3):
            assert busy.turn(admin, working=0.010) == []
            assert busy.turn(admin, working=0.006) == [GIVE_WAY_SECONDS]


def test_a_loop_that_sleeps_by_itself_is_not_made_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch)
    with opened(tmp_path, FakeView()) as admin:
        assert busy.turn(admin, working=1.0) == [GIVE_WAY_SECONDS]
        for _ in range(3):
            assert busy.turn(admin, working=0.010, sleeping=0.030) == []


def test_while_a_request_is_answered_the_loop_gives_way_at_each_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, view = Busy(monkeypatch), FakeView()
    seen: list[list[float]] = []
    with opened(tmp_path, view) as admin:
        view.before = lambda: seen.extend(busy.turn(admin) for _ in range(2))
        assert get(tmp_path, "/state")[0] == 200
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(10)
        assert seen == [[GIVE_WAY_SECONDS], [GIVE_WAY_SECONDS]]
        assert busy.turn(admin) == []


def test_metrics_are_the_views_the_process_and_the_build(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        status, body = get(tmp_path, "/metrics")
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert status == 200
    assert samples[("podwire_relay_emissions_total", (("kind", "pod_new"),))] == 41
    assert samples[("podwire_build_info", (("stage", "relay"), ("version", VERSION)))] == 1
    assert samples[("podwire_ready", ())] == 1
    assert samples[("process_cpu_seconds_total", ())] > 0


def test_a_query_is_left_out_of_the_path_and_an_unknown_path_says_what_is_there(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        assert get(tmp_path, "/healthz?verbose=1")[0] == 200
        status, body = get(tmp_path, "/")
    assert status == 404
    assert "/metrics" in body


def test_a_question_is_answered_with_what_stands_in_the_query(tmp_path: Path) -> None:
    def echo(query: Mapping[str, str]) -> dict[str, str]:
        if "what" not in query:
            raise UsageError("ask for something")
        return dict(query)

    admin = open_admin(stage="relay", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView(), questions={"/why": echo})
    asked, wrong, elsewhere = (get(tmp_path, path) for path in ("/why?what=a%2Fb+c&x=1", "/why", "/whynot"))
    admin.close()
    assert (asked[0], json.loads(asked[1])) == (200, {"what": "a/b c", "x": "1"})
    assert wrong == (400, "ask for something\n")
    assert elsewhere == (404, "here are /healthz, /readyz, /state, /metrics, /why\n")


def test_a_fault_of_the_view_is_answered_with_500_and_the_next_request_is_served(tmp_path: Path) -> None:
    view = FakeView()

    def fault() -> None:
        raise RuntimeError("dictionary changed size during iteration")

    view.before = fault
    with opened(tmp_path, view):
        status, body = get(tmp_path, "/state")
        assert status == 500
        assert "dictionary changed size" in body
        view.before = lambda: None
        assert get(tmp_path, "/state")[0] == 200


def test_one_connection_serves_many_requests_and_a_second_one_is_served_beside_it(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        connection = http.client.HTTPConnection((tmp_path / "relay.admin").read_text().strip(), timeout=10)
        for _ in range(3):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b"alive\n"
            assert get(tmp_path, "/healthz")[0] == 200
        connection.close()


@pytest.mark.parametrize(
    "sent", [b"\x00\xff\xfe\r\n\r\n", b"GET\r\n\r\n", b"", b"POST /state HTTP/1.1\r\n\r\n", b"GET / HTTP/9\r\n\r\n"]
)
def test_bytes_that_are_no_request_do_not_stop_it(tmp_path: Path, sent: bytes) -> None:
    with opened(tmp_path, FakeView()):
        host, port = (tmp_path / "relay.admin").read_text().strip().split(":")
        with socket.create_connection((host, int(port)), timeout=10) as foreign:
            foreign.sendall(sent)
        assert get(tmp_path, "/healthz")[0] == 200


def test_a_client_for_whom_there_is_no_thread_is_sent_away_and_the_next_one_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, FakeView()):
        with monkeypatch.context() as exhausted:

            def refuse(_thread: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            exhausted.setattr(threading.Thread, "start", refuse)
            with pytest.raises((http.client.HTTPException, OSError)):
                get(tmp_path, "/readyz")
        assert get(tmp_path, "/readyz") == (200, "ready\n")


def test_connections_that_nobody_uses_take_no_more_than_their_share_and_give_it_back(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        host, _, port = (tmp_path / "relay.admin").read_text().strip().rpartition(":")
        idle = [socket.create_connection((host, int(port)), timeout=10) for _ in range(admin_module.MOST_CONNECTIONS)]
        with pytest.raises((http.client.HTTPException, OSError)):
            get(tmp_path, "/healthz")
        threads = [one for one in threading.enumerate() if "process_request_thread" in one.name]
        assert len(threads) == admin_module.MOST_CONNECTIONS
        for one in idle:
            one.close()
        for thread in threads:
            thread.join(10)
        assert get(tmp_path, "/healthz") == (200, "alive\n")


def test_the_address_file_goes_with_the_admin(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        assert [path.name for path in tmp_path.iterdir()] == ["relay.admin"]
    assert list(tmp_path.iterdir()) == []


def test_off_listens_nowhere_and_clears_a_stale_address(tmp_path: Path) -> None:
    (tmp_path / "relay.admin").write_text("127.0.0.1:1\n")
    with opened(tmp_path, FakeView(), "off") as admin:
        admin.turned()
        assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_the_users_mistake_and_named(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView()):
        address = (tmp_path / "relay.admin").read_text().strip()
        with pytest.raises(UsageError, match=f"--admin {address}: Address already in use"):
            open_admin(stage="matcher", run_dir=tmp_path, listen=address, view=FakeView())


@pytest.mark.parametrize(
    "listen", ["", "9090", "127.0.0.1", "127.0.0.1:", ":9090", "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "on"]
)
def test_an_address_that_is_none_is_the_users_mistake(tmp_path: Path, listen: str) -> None:
    with pytest.raises(UsageError, match="--admin"):
        open_admin(stage="matcher", run_dir=tmp_path, listen=listen, view=FakeView())


def test_ipv6_is_listened_on_in_brackets(tmp_path: Path) -> None:
    with opened(tmp_path, FakeView(), "[::1]:0"):
        assert (tmp_path / "relay.admin").read_text().startswith("[::1]:")
        assert get(tmp_path, "/healthz")[0] == 200
