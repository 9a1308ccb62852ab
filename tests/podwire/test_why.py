"""`podwire why`: what it says of a pod, and what is the reason where there is none. The stages are fakes behind real admin HTTP."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.admin import open_admin
from common.wanted import parse_wanted
from podwire.why.asked import Asked
from podwire.why.cli import command
from podwire.why.missing import reasons
from podwire.why.words import pod_lines
from tests.fakes.asked import ask as answer_of
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import DEPLOYMENT, REPLICA_SET, owner, pod


class FakeView:
    """A stage with this state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self._state = state

    def state(self) -> dict[str, Any]:
        return self._state

    def not_ready(self) -> str | None:
        return None

    def metrics(self) -> list[Any]:
        return []


def scope(**more: Any) -> dict[str, Any]:
    usual = {
        "namespace": "all",
        "condition": "following",
        "denied": None,
        "list": None,
        "selectors": {},
        "last_error": "",
    }
    return {**usual, **more}


def watcher_state(*scopes: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "pods", "objects": 40, "scopes": list(scopes) or [scope()]}


@contextmanager
def stages(run_dir: Path, **answers: Any) -> Iterator[None]:
    """A matcher and watchers that give these answers, whatever they are asked."""
    with ExitStack() as opened:
        for stage, path in (("matcher", "/why"), ("watcher-pods", "/knows"), ("watcher-replicasets", "/knows")):
            answer = answers.get(stage.replace("-", "_"), {"uids": []})
            state = watcher_state() if stage == "watcher-pods" else {}

            def say(_query: Mapping[str, str], answer: Any = answer) -> Any:
                return answer

            admin = open_admin(
                stage=stage, run_dir=run_dir, listen="127.0.0.1:0", view=FakeView(state), questions={path: say}
            )
            opened.callback(admin.close)
        yield


def why(run_dir: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--run-dir", str(run_dir), *arguments])
    return result.exit_code, result.output


def nothing() -> dict[str, Any]:
    return {"pods": [], "more": False, "upstream": {}}


def test_a_pod_that_is_known_is_told_with_exit_code_0(tmp_path: Path) -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    pipeline.wait(1)
    with stages(tmp_path, matcher=answer_of(pipeline, "p1")):
        code, output = why(tmp_path, "default/pod-p1")
        as_json = json.loads(why(tmp_path, "default/pod-p1", "--json")[1])
    assert code == 0
    assert output.startswith("pod default/pod-p1\n  uid        p1\n  address    10.0.0.1\n")
    assert "  owner      ReplicaSet web-7d4b9c controls pod pod-p1, as its record says\n" in output
    assert "             Deployment web controls ReplicaSet web-7d4b9c, as its record says\n" in output
    assert "the reducer has it (live in epoch 1)\n" in output
    assert "not sent" not in output
    assert output.endswith("is open; the relay had taken 2 of 2 emissions when it last said so.\n")
    assert (as_json["pods"][0]["uid"], as_json["reasons"]) == ("p1", [])


def test_an_owner_that_is_waited_for_is_asked_of_its_own_watcher(tmp_path: Path) -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    pipeline.wait(5)
    for uids, words in ((["rs1"], "has it"), ([], "has not seen it either")):
        with stages(tmp_path, matcher=answer_of(pipeline, "p1"), watcher_replicasets={"uids": uids}):
            code, output = why(tmp_path, "p1")
        assert code == 0
        assert "  sent       never, as far as this matcher knows\n" in output
        assert "it has waited 5 s for ReplicaSet web-7d4b9c" in output
        assert f"; the watcher of its kind {words}\n" in output


def test_all_pods_that_fit_are_told(tmp_path: Path) -> None:
    with stages(tmp_path, matcher=answer_of(Pipeline.started(pods=(pod("p1"), pod("p2"))), "10.0.0.1")):
        code, output = why(tmp_path, "10.0.0.1")
    assert code == 0
    assert [line for line in output.splitlines() if line.startswith("pod ")] == [
        "pod default/pod-p1",
        "pod default/pod-p2",
    ]


def test_a_pod_that_nobody_knows_is_told_with_a_reason_and_exit_code_1(tmp_path: Path) -> None:
    with stages(tmp_path, matcher=nothing()):
        code, output = why(tmp_path, "shop/web-1")
        as_json = json.loads(why(tmp_path, "shop/web-1", "--json")[1])
    assert code == 1
    assert output.startswith("No pod is known as shop/web-1:\n  the watcher of pods follows a complete list of 40 pods")
    assert as_json["reasons"] == [output.splitlines()[1].strip()]


def test_where_nothing_runs_that_is_the_reason(tmp_path: Path) -> None:
    code, output = why(tmp_path, "shop/web-1")
    assert (code, "the matcher does not answer (not running)" in output) == (1, True)


def test_stages_elsewhere_are_asked_where_they_are(tmp_path: Path) -> None:
    answer = answer_of(Pipeline.started(pods=(pod("p1"),)), "p1")
    with stages(tmp_path, matcher=answer):
        address = (tmp_path / "matcher.admin").read_text().strip()
        code, output = why(tmp_path / "nowhere", "--at", address, "p1")
    assert (code, output.startswith("pod default/pod-p1\n")) == (0, True)


def test_what_cannot_be_asked_is_the_users_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--run-dir", str(tmp_path), "a/b/c"])
    assert "is no NAMESPACE/POD" in str(result.exception)


def why_missing(
    what: str, *scopes: dict[str, Any], uids: tuple[str, ...] = (), matcher: dict[str, Any] | None = None
) -> list[str]:
    states = {"watcher-pods": watcher_state(*scopes), "matcher": matcher or {}}
    asked = Asked(states=states, matcher=nothing(), pods={"uids": list(uids)}, owners={})
    return reasons(parse_wanted(what), asked)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (scope(namespace="billing"), "namespace shop is not watched: --namespace names billing"),
        (scope(denied="pods is forbidden"), "pods may not be read in all namespaces: pods is forbidden"),
        (scope(list={"objects": 1_500, "of_about": 6_000}), "is under way, 1,500 of about 6,000 so far"),
        (scope(list={"objects": 7, "of_about": None}), "is under way, 7 so far"),
        (scope(condition="listing", last_error="refused"), "pods have not been listed in all namespaces: refused"),
        (scope(selectors={"labelSelector": "app=web"}), "only pods that the labelSelector 'app=web' picks"),
    ],
)
def test_what_could_keep_it_from_being_known_is_the_reason(found: dict[str, Any], words: str) -> None:
    (reason,) = why_missing("shop/web-1", found)
    assert words in reason


def test_what_goes_on_in_another_namespace_is_no_reason_for_a_name() -> None:
    scopes = (scope(namespace="shop"), scope(namespace="billing", denied="no"))
    assert "is not in the cluster, or no longer" in why_missing("shop/web-1", *scopes)[0]
    assert "may not be read in namespace billing" in why_missing("10.0.0.1", *scopes)[0]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("web-1", "a pod's name is asked for as NAMESPACE/POD"),
        ("10.0.0.1", "none of them has the address 10.0.0.1"),
        ("3f1a9c0e7b52", "none of their containers' IDs begins with 3f1a9c0e7b52"),
    ],
)
def test_where_nothing_keeps_it_it_is_not_there(what: str, words: str) -> None:
    assert words in why_missing(what)[0]


def test_a_pod_that_only_the_watcher_has_is_on_its_way() -> None:
    following = {"watchers": {"pods": {"follows": "Following"}}}
    assert "it may just have come" in why_missing("shop/web-1", uids=("u",), matcher=following)[0]
    assert "has yet to take its snapshot" in why_missing("shop/web-1", uids=("u",))[0]


def test_what_is_sent_is_told_by_the_clock_of_who_asks() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.wait(60)
    (found,) = answer_of(pipeline, "p1")["pods"]
    sent = next(line for line in pod_lines(found, owners={}, now=1_000_060.0) if line.startswith("  sent"))
    assert ":46:40 or up to 10 s later, about 60 s ago; the reducer has it" in sent
