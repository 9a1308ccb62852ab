"""`podwire check` without processes: how findings are shown, that a probe keeps none from running, and how rights are looked into."""

import json
import re
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.errors import UsageError
from podwire.ask import NoAnswer
from podwire.check.apart import probe_keys
from podwire.check.api import Answer
from podwire.check.cli import command
from podwire.check.findings import Finding, as_json, shown
from podwire.check.place import probe_stages
from podwire.check.probe import findings_of
from podwire.check.rights import grant, probe_rights
from podwire.cli import group

LONG = Finding("rights", "problem", "somebody may not " + "watch jobs " * 12, "ask " * 30, "kubectl " + "create " * 20)


def test_in_a_pipe_a_finding_is_one_line_with_all_that_it_says() -> None:
    line = shown(LONG, width=None, color=False)
    assert "\n" not in line
    assert line.startswith("problem  rights      somebody may not")
    assert "; do: ask" in line
    assert line.endswith("; run: " + LONG.run)


def test_on_a_terminal_words_are_wrapped_and_commands_are_not() -> None:
    lines = shown(LONG, width=80, color=False).splitlines()
    assert f"{' ' * 21}run: {LONG.run}" in lines
    assert all(len(line) <= 80 for line in lines if "run: " not in line)


def test_colour_changes_nothing_but_colour() -> None:
    colored = shown(LONG, width=80, color=True)
    assert colored != shown(LONG, width=80, color=False)
    assert re.sub(r"\x1b\[\d+m", "", colored) == shown(LONG, width=80, color=False)


def test_json_says_whether_there_is_a_problem_and_leaves_out_what_is_empty() -> None:
    note = Finding("list", "note", "words")
    assert json.loads(as_json([note])) == {
        "ok": True,
        "findings": [{"topic": "list", "level": "note", "says": "words"}],
    }
    assert json.loads(as_json([note, LONG]))["ok"] is False


@pytest.mark.parametrize(
    ("error", "words"),
    [(UsageError("mend it"), "mend it"), (NoAnswer("nobody"), "nobody"), (KeyError("token"), "KeyError")],
)
def test_a_probe_that_fails_is_a_problem_of_its_own(error: Exception, words: str) -> None:
    def fails() -> list[Finding]:
        raise error

    (finding,) = findings_of("server", fails)
    assert (finding.topic, finding.level) == ("server", "problem")
    assert words in finding.says
    assert "token" not in finding.says


def test_a_probe_that_hangs_is_left_behind() -> None:
    never = threading.Event()

    def hangs() -> list[Finding]:
        never.wait()
        return []

    (finding,) = findings_of("server", hangs, seconds=0.0)
    never.set()
    assert "no result within 0 s" in finding.says


class FakeApi:
    """A server that keeps reviews from this user, and refuses some verbs."""

    def __init__(self, *, reviews: int, refused: set[str], user: str = "system:serviceaccount:team:podwire") -> None:
        self.reviews = reviews
        self.refused = refused
        self.user = user

    def post(self, _target: str, body: Any) -> Answer:
        asked = body["spec"]["resourceAttributes"]
        allowed = f"{asked['verb']} {asked['resource']}" not in self.refused
        return _answer(self.reviews, {"status": {"allowed": allowed, "reason": "RBAC"}} if self.reviews == 201 else {})

    def get(self, target: str, **_accept: str) -> Answer:
        return self._tried("list", target)

    @contextmanager
    def watch(self, target: str, **_accept: str) -> Any:
        yield self._tried("watch", target), iter([])

    def _tried(self, verb: str, target: str) -> Answer:
        resource = target.partition("?")[0].rpartition("/")[2]
        if f"{verb} {resource}" in self.refused:
            return _answer(403, {"message": f'{resource} is forbidden: User "{self.user}" cannot {verb}'})
        return _answer(200, {"items": []})


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize("reviews", [201, 403, 404, 500])
def test_rights_are_told_the_same_whether_reviews_are_answered_or_not(reviews: int) -> None:
    api: Any = FakeApi(reviews=reviews, refused={"list jobs", "watch jobs", "watch pods"})
    pods, sets, jobs = probe_rights(api, ["pods", "replicasets", "jobs"], ())
    assert pods.says == "system:serviceaccount:team:podwire may not watch pods in all namespaces"
    assert (sets.level, sets.says) == ("ok", "list and watch replicasets.apps in all namespaces")
    assert jobs.says.endswith("may not list and watch jobs.batch in all namespaces")
    assert "--verb=list,watch --resource=jobs.batch" in jobs.run
    assert "--serviceaccount=team:podwire" in jobs.run


def test_rights_are_looked_into_in_each_namespace() -> None:
    api: Any = FakeApi(reviews=201, refused={"list pods"}, user="o'hara")
    found = probe_rights(api, ["pods", "jobs"], ("shop", "billing"))
    assert [one.says for one in found] == [
        "o'hara may not list pods in namespace shop",
        "o'hara may not list pods in namespace billing",
        "list and watch jobs.batch in shop, billing",
    ]
    assert found[0].run.startswith("kubectl -n shop create role podwire-list-pods --verb=list --resource=pods && ")
    assert found[0].run.endswith("""--user='o'"'"'hara'""")


def test_a_grant_for_an_unknown_user_has_a_place_for_its_name() -> None:
    assert grant("pods", ["list"], None, "").endswith("--user=USER")


def test_a_stage_of_another_version_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a stage says that it is of another version than this command, then it is to be restarted."""
    state = {"pid": 7, "version": "0.0.1", "not_ready": None}
    monkeypatch.setattr("podwire.check.place.read_states", lambda _run_dir: {"matcher": state, "relay": "not running"})
    monkeypatch.setattr("podwire.check.place.runs_here", lambda _run_dir, stage: stage == "matcher")
    matcher, relay = probe_stages(tmp_path, ["matcher", "relay"])
    assert (matcher.level, relay.level) == ("problem", "problem")
    assert "version 0.0.1" in matcher.says
    assert "restart" in matcher.do


def test_a_mistake_among_the_settings_ends_it_before_anything_is_looked_at(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--run-dir", str(tmp_path), "--label", "novalue"])
    assert isinstance(result.exception, UsageError)
    assert result.output == ""


def keys(directory: Path) -> Path:
    """Those of all stages."""
    assert CliRunner().invoke(group, ["keys", str(directory)], catch_exceptions=False).exit_code == 0
    return directory


@pytest.mark.parametrize("below", [True, False], ids=["under up", "alone"])
def test_keys_are_looked_for_where_the_stage_has_them(below: bool, tmp_path: Path) -> None:
    """If a stage runs alone, as in a Pod of its own, then the directory is its own and there are no others' beside it."""
    made = keys(tmp_path / "keys")
    given = made if below else made / "relay"
    (finding,) = probe_keys({"relay": given / "relay"})
    assert (finding.level, str(made / "relay") in finding.says) == ("ok", True)
    (made / "relay" / "matcher.pub").unlink()
    (finding,) = probe_keys({"relay": given / "relay"})
    assert (finding.level, "matcher.pub" in finding.says) == ("problem", True)


def test_where_one_stage_runs_nothing_is_said_of_what_does_not_run_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a Pod of deploy/overlays/split: by its variables."""
    run_dir, made = tmp_path / "run", keys(tmp_path / "keys")
    said = {}
    for stage in ("relay", "matcher"):
        monkeypatch.setenv("PODWIRE_STAGE", stage)
        monkeypatch.setenv("PODWIRE_KEYS", str(made / stage))
        if stage == "relay":
            monkeypatch.setenv("PODWIRE_LISTEN", "tcp://127.0.0.1:17400")
        else:
            monkeypatch.delenv("PODWIRE_LISTEN")
            monkeypatch.setenv("PODWIRE_RELAY", "tcp://127.0.0.1:1")
        words = ["--run-dir", str(run_dir), "--intake", "127.0.0.1:1", "--json"]
        result = CliRunner().invoke(command, words, catch_exceptions=False)
        said[stage] = [(one["topic"], one["level"]) for one in json.loads(result.output)["findings"]]
    machine = [("run-dir", "ok"), ("stages", "ok"), ("keys", "ok")]
    assert said == {"relay": [*machine, ("intake", "problem")], "matcher": [*machine, ("peers", "problem")]}
