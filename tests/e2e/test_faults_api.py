"""The API server's faults, on the sandbox, under a moving workload: each recovers by its rule, and no pod is lost or made up."""

import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from bench import rig
from bench.usage import cpu_seconds
from common.records import KINDS
from tests.e2e.sandboxed import Running, Sandbox, owned_pod, owner_object, reference, running, sandbox
from tests.fakes.certificates import Files, server_context, tls_server

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

PAGES = 1_200
"""Pods of three pages."""


def lists(podwire: Running, reason: str) -> int:
    """How many lists of pods were begun for this reason."""
    return int(podwire.scope("pods").get("lists", {}).get(reason, 0))


def one_pod_more(of: Sandbox, name: str = "late") -> None:
    """A change that has to arrive, whatever the workload does."""
    of.put("pods", owned_pod(name, ip="10.9.9.9"))


def test_410_at_the_list(tmp_path: Path) -> None:
    """Listed again, after a wait: a fresh list that is refused so would be a loop otherwise."""
    with sandbox(tmp_path) as api:
        api.order("refuse", status=410, verb="list", resource="pods", count=2)
        with running(api, tmp_path, "--streaming-lists", "never") as podwire:
            podwire.until(lambda: lists(podwire, "expired") == 2, "two more lists")
            podwire.until_ready()
            (told,) = podwire.failures("watcher-pods", "expired")  # the second is told in a minute
            assert told["retry_in_seconds"] > 0
            podwire.assert_in_step()


@pytest.mark.parametrize("order", ["compact", "expire-tokens"])
def test_410_in_the_middle_of_a_list(order: str, tmp_path: Path) -> None:
    """The list begins anew; what the pages before the fault brought, and is gone by then, is no phantom."""
    with sandbox(tmp_path, pods=PAGES) as api:
        api.order("slow", seconds=0.5, resource="pods")
        doomed = owned_pod("a-doomed", ip="10.9.9.8")
        doomed["metadata"]["namespace"] = "a-first"
        api.put("pods", doomed)
        with running(api, tmp_path, "--streaming-lists", "never") as podwire:
            podwire.until(lambda: podwire.scope("pods").get("pages") == 1, "a first page")
            api.remove("pods", doomed)
            api.order(order)
            podwire.until(lambda: lists(podwire, "expired") == 1, "another list")
            podwire.until_ready()
            podwire.assert_in_step()


@pytest.mark.parametrize("noticed", ["on the open watch", "when the watch is opened again"])
def test_410_in_the_middle_of_a_watch(noticed: str, tmp_path: Path) -> None:
    """Lists again, and tells by comparison what was deleted meanwhile."""
    doomed = owned_pod("doomed", ip="10.9.9.8")
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        api.put("pods", doomed)
        podwire.until(lambda: podwire.owners({"uid-doomed"}), "a pod that will be deleted")
        podwire.until_watching()
        if noticed == "on the open watch":
            assert api.order("gone") == len(KINDS)
        else:
            # A refused attempt keeps the watch away for as long as it takes to delete and forget.
            api.order("refuse", status=500, resource="pods", count=2)
            api.order("cut", resource="pods")
            podwire.until(lambda: podwire.faults("pods", "refused") == 1, "a watch that is away")
            one_pod_more(api)
            api.remove("pods", doomed)
            api.order("compact")
        podwire.until(lambda: lists(podwire, "expired") == 1, "another list")
        podwire.until_ready()
        podwire.assert_in_step()


def test_429_with_retry_after(tmp_path: Path) -> None:
    """Nothing is asked before the time that the server names."""
    with sandbox(tmp_path) as api:
        api.order("refuse", status=429, resource="pods", count=1, retry_after_seconds=4)
        with running(api, tmp_path) as podwire:
            podwire.until_ready()
            (told,) = podwire.failures("watcher-pods", "refused")
            assert told["why"].startswith("429 ")
            assert told["retry_in_seconds"] == 4
            assert podwire.faults("pods", "refused") == 1
            podwire.assert_in_step()


def test_500s(tmp_path: Path) -> None:
    """Waits that grow, for the watch and for lists; the watch goes on from where it was, without a list."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_watching()
        for kind in KINDS:
            api.order("refuse", status=500, resource=kind, count=3)
        api.order("cut")
        for kind in KINDS:
            podwire.until(lambda kind=kind: podwire.faults(kind, "refused") == 3, f"all refusals of {kind}")
        podwire.until_watching()
        (told,) = podwire.failures("watcher-pods", "refused")  # the others are told in a minute
        assert told["retry_in_seconds"] > 0
        assert podwire.scope("pods")["lists"] == {"start": 1, "expired": 0, "garbage": 0}
        podwire.assert_in_step()


@pytest.mark.parametrize("order", ["cut", "tear", "end"])
def test_a_watch_is_cut(order: str, tmp_path: Path) -> None:
    """Between lines, in the middle of one, or properly: goes on from the last event, without a list."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_watching()
        opened = api.state()["watches_opened"]
        assert api.order(order) == len(KINDS)
        podwire.until(lambda: api.state()["watches_opened"] == opened + len(KINDS), "all watches again")
        one_pod_more(api)
        podwire.assert_in_step()
        assert podwire.scope("pods")["lists"] == {"start": 1, "expired": 0, "garbage": 0}


@pytest.mark.parametrize("line", ["this is no JSON", '{"type":"MODIFIED","object":{"metadata":{"uid":7}}}'])
def test_a_garbage_line(line: str, tmp_path: Path) -> None:
    """A line that is no event ends the watch, which goes on from the last good one; an object that cannot be read is left out."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_watching()
        before = {
            kind: podwire.faults(kind, "garbled") + podwire.scope(kind)["decode_errors"]["unreadable"] for kind in KINDS
        }
        assert api.order("garbage", line=line) == len(KINDS)
        for kind in KINDS:
            podwire.until(
                lambda kind=kind: (
                    podwire.faults(kind, "garbled") + podwire.scope(kind)["decode_errors"]["unreadable"]
                    == before[kind] + 1
                ),
                f"the fault of {kind}",
            )
        one_pod_more(api)
        podwire.assert_in_step()


def test_a_silent_watch(tmp_path: Path) -> None:
    """Taken for dead when it has been silent for longer than bookmarks allow."""
    with sandbox(tmp_path) as api, running(api, tmp_path, "--watch-silence", "3") as podwire:
        podwire.until_watching()
        opened = api.state()["watches_opened"]
        assert api.order("silence", resource="pods") == 1
        one_pod_more(api)
        podwire.until(lambda: podwire.faults("pods", "silent") >= 1, "the silence to be noticed")
        podwire.until(lambda: api.state()["watches_opened"] > opened, "a new watch")
        assert "nothing came for 3 s" in podwire.failures("watcher-pods", "silent")[0]["why"]
        podwire.assert_in_step()


def test_a_slow_list(tmp_path: Path) -> None:
    """Not taken for a fault; the watcher says that it lists, and what changes meanwhile is not lost."""
    with sandbox(tmp_path, pods=PAGES) as api:
        api.order("slow", seconds=1.5, resource="pods")
        with running(api, tmp_path, "--streaming-lists", "never") as podwire:
            podwire.until(lambda: podwire.scope("pods").get("pages") == 1, "a first page")
            assert "listing pods" in podwire.state("watcher-pods")["not_ready"]
            one_pod_more(api)
            podwire.until_ready()
            assert not any(podwire.scope("pods")["faults"].values())
            podwire.assert_in_step()


def assert_degraded(podwire: Running) -> None:
    """The jobs' watcher says which verb on which resource it lacks, and the matcher that it knows."""
    podwire.until(lambda: podwire.scope("jobs").get("condition") == "forbidden", "the watcher to be degraded")
    state = podwire.state("watcher-jobs")
    for words in (state["not_ready"], state["scopes"][0]["denied"]):
        assert 'cannot watch resource "jobs" in API group "batch"' in words
    # At a start it may hear of this before it has heard anything of the pods' watcher, and tells that first.
    podwire.until(
        lambda: podwire.state("matcher").get("not_ready") == "the watcher of jobs is forbidden", "the matcher to know"
    )
    assert podwire.state("matcher")["watchers"]["jobs"]["condition"] == "forbidden"


def test_403_on_jobs_from_the_start_until_the_right_is_granted(tmp_path: Path) -> None:
    """Pods of Jobs go out with the Job that they name, and once more when the CronJob above it can be seen."""
    with sandbox(tmp_path) as api:
        api.put("jobs", owner_object("nightly-1", above=reference("CronJob", "nightly")))
        api.put("pods", owned_pod("nightly-1-a", ip="10.9.9.1", owner=reference("Job", "nightly-1")))
        api.order("deny", resource="jobs")
        with running(api, tmp_path) as podwire:
            assert_degraded(podwire)
            pod = {"uid-nightly-1-a"}
            podwire.until(lambda: podwire.owners(pod) == {"uid-nightly-1-a": "Job"}, "the pod under its Job")
            assert podwire.state("matcher")["pods"]["provisional"] >= 1
            api.order("allow", resource="jobs")
            podwire.until(lambda: podwire.owners(pod) == {"uid-nightly-1-a": "CronJob"}, "the pod under its CronJob")
            podwire.until_ready()
            podwire.assert_in_step()
            assert podwire.state("matcher")["pods"]["provisional"] == 0


def test_403_on_jobs_that_appears_and_goes_away(tmp_path: Path) -> None:
    """What is known of Jobs stays; a Job that comes meanwhile is made up for when the right is back, without a list."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_watching()
        api.order("deny", resource="jobs")
        api.order("cut", resource="jobs")
        assert_degraded(podwire)
        api.put("jobs", owner_object("nightly-2", above=reference("CronJob", "nightly")))
        api.put("pods", owned_pod("nightly-2-a", ip="10.9.9.2", owner=reference("Job", "nightly-2")))
        pod = {"uid-nightly-2-a"}
        podwire.until(lambda: podwire.owners(pod) == {"uid-nightly-2-a": "Job"}, "the pod under its Job")
        api.order("allow", resource="jobs")
        podwire.until(lambda: podwire.owners(pod) == {"uid-nightly-2-a": "CronJob"}, "the pod under its CronJob")
        podwire.until_ready()
        assert podwire.scope("jobs")["lists"] == {"start": 1, "expired": 0, "garbage": 0}
        podwire.assert_in_step()


def test_401_after_the_token_changed_on_disk(tmp_path: Path) -> None:
    """The kubeconfig is read again, at once when it is there and as often as it takes when it comes late."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_watching()
        api.order("rotate", publish=False)
        api.order("cut")
        for kind in KINDS:
            podwire.until(lambda kind=kind: podwire.faults(kind, "unauthorized") >= 2, f"two refusals of {kind}")
        api.order("publish")
        one_pod_more(api)
        podwire.until_watching()
        assert podwire.scope("pods")["lists"] == {"start": 1, "expired": 0, "garbage": 0}
        podwire.assert_in_step()
        token = (
            next(line for line in api.kubeconfig.read_text().splitlines() if "token:" in line).split()[-1].strip("\"'")
        )
        assert token not in podwire.log.read_text()


KUBECONFIG = """apiVersion: v1
kind: Config
clusters: [{{name: it, cluster: {{server: "https://localhost:{port}", certificate-authority: "{ca}"}}}}]
users: [{{name: somebody, user: {{token: any}}}}]
contexts: [{{name: it, context: {{cluster: it, user: somebody}}}}]
current-context: it
"""
BEGUN = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.kubernetes.protobuf\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_load_balancer_that_ends_tls_in_order_is_asked_again_and_nothing_spins(tmp_path: Path) -> None:
    """A close_notify in the midst of a list, then the connection's end."""
    asked: list[bytes] = []

    def hang_up(connection: ssl.SSLSocket) -> None:
        asked.append(connection.recv(65_536))
        connection.sendall(BEGUN)
        connection.setblocking(False)
        with suppress(ssl.SSLWantReadError):
            connection.unwrap()
        socket.socket(fileno=os.dup(connection.fileno())).close()

    files = Files(tmp_path / "ca")
    with tls_server(server_context(files.issue("localhost")), hang_up) as port:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(KUBECONFIG.format(port=port, ca=files.ca))
        watch = ["podwire", "watch", "pods", "--kubeconfig", str(kubeconfig), "--run-dir", str(tmp_path / "run")]
        with rig.process(watch) as watcher:
            rig.wait_for(lambda: len(asked) >= 3, seconds=30, what="a third request")
            assert cpu_seconds(watcher.pid) < 1.0
