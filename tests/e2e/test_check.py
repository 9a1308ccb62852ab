"""`podwire check` through its command line: on a cluster that is well, and on everything that may be wrong with one."""

import base64
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from bench import rig
from podwire.check.cli import command
from tests.e2e.manifests import Kubectl
from tests.e2e.sandboxed import Sandbox, sandbox
from tests.fakes.certificates import Files

pytestmark = pytest.mark.e2e

Findings = list[dict[str, str]]


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A cluster that is well."""
    with sandbox(tmp_path_factory.mktemp("sandbox"), pods=40, rate=0) as found:
        yield found


@pytest.fixture(scope="module")
def reducer() -> Iterator[rig.Reducer]:
    with rig.reducer() as found:
        yield found


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KUBECONFIG", "EBPF_NET_INTAKE_HOST", "EBPF_NET_INTAKE_PORT"):
        monkeypatch.delenv(name, raising=False)


def checked(*arguments: object, expected: int) -> Findings:
    """The findings. No token of a kubeconfig may be among their words."""
    result = CliRunner().invoke(command, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == expected, result.output
    told = json.loads(result.output)
    assert told["ok"] is (expected == 0)
    for argument in map(Path, map(str, arguments)):
        if argument.is_file() and "token:" in argument.read_text():
            assert yaml.safe_load(argument.read_text())["users"][0]["user"]["token"] not in result.output
    findings: Findings = told["findings"]
    return findings


def of(findings: Findings, topic: str) -> Findings:
    return [one for one in findings if one["topic"] == topic]


def only(findings: Findings, topic: str, level: str = "problem") -> dict[str, str]:
    (found,) = [one for one in of(findings, topic) if one["level"] == level]
    return found


def changed(kubeconfig: Path, to: Path, *, server: str = "", token: str = "") -> Path:
    """A kubeconfig with another server or token."""
    config = yaml.safe_load(kubeconfig.read_text())
    if server:
        config["clusters"][0]["cluster"]["server"] = server
    if token:
        config["users"][0]["user"]["token"] = token
    to.write_text(yaml.safe_dump(config))
    return to


def test_where_all_is_well_it_says_so_and_the_reducer_hears_nothing(
    well: Sandbox, reducer: rig.Reducer, tmp_path: Path
) -> None:
    findings = checked(
        "--kubeconfig", well.kubeconfig, "--intake", reducer.address, "--run-dir", tmp_path / "new", expected=0
    )
    assert [one["topic"] for one in findings if one["level"] == "ok"] == [
        *("run-dir", "stages", "kubeconfig", "server", "rights", "rights", "rights", "list", "bookmarks", "intake")
    ]
    assert "v1.36" in of(findings, "server")[0]["says"]
    assert "about 40 pods" in of(findings, "list")[0]["says"]
    assert "JSON only" in only(findings, "streaming", "note")["says"]
    assert not (tmp_path / "new").exists()
    assert reducer.get("/breaches")["breaches"]["count"] == 0


def test_a_missing_verb_is_named_with_what_grants_it(well: Sandbox, tmp_path: Path) -> None:
    well.order("deny", verb="watch", resource="jobs")
    try:
        findings = checked(
            "--kubeconfig", well.kubeconfig, "--run-dir", tmp_path, "--stage", "watcher-jobs", expected=1
        )
    finally:
        well.order("clear")
    missing = only(findings, "rights")
    assert missing["says"] == "podwire-sandbox may not watch jobs.batch in all namespaces"
    assert missing["run"] == (
        "kubectl create clusterrole podwire-watch-jobs --verb=watch --resource=jobs.batch && "
        "kubectl create clusterrolebinding podwire-watch-jobs --clusterrole=podwire-watch-jobs --user=podwire-sandbox"
    )


def test_a_server_without_streaming_lists_is_fit_all_the_same(tmp_path: Path) -> None:
    """Kubernetes 1.20 in the sandbox: a bookmark comes by the end of a watch in which something has happened."""
    kubeconfig = tmp_path / "kubeconfig"
    old = ["sandbox", "cluster", "--no-streaming", "--pods", "50", "--rate", "20", "--kubeconfig", str(kubeconfig)]
    with rig.process(old):
        rig.wait_for(kubeconfig.exists, seconds=60, what="the sandbox's kubeconfig")
        findings = checked("--kubeconfig", kubeconfig, "--run-dir", tmp_path, "--stage", "watcher-pods", expected=0)
    assert "pages are listed instead" in only(findings, "streaming", "note")["says"]
    assert of(findings, "bookmarks")[0]["level"] == "ok"


def test_a_dead_server_is_a_problem_and_the_rest_is_looked_at(well: Sandbox, tmp_path: Path) -> None:
    dead = changed(well.kubeconfig, tmp_path / "kubeconfig", server=f"http://127.0.0.1:{rig.free_ports(1)}")
    findings = checked("--kubeconfig", dead, "--run-dir", tmp_path, expected=1)
    assert "Connection refused" in only(findings, "server")["says"]
    assert [one["topic"] for one in findings] == ["run-dir", "stages", "kubeconfig", "server", "intake"]


def test_a_server_that_never_answers_is_given_up(
    well: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("podwire.check.api.ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kubeconfig = changed(
            well.kubeconfig, tmp_path / "kubeconfig", server=f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        findings = checked("--kubeconfig", kubeconfig, "--run-dir", tmp_path, expected=1)
    assert "timed out" in only(findings, "server")["says"]


def test_a_token_that_is_not_valid_is_told_as_that(well: Sandbox, tmp_path: Path) -> None:
    wrong = changed(well.kubeconfig, tmp_path / "kubeconfig", token="not-this-one")
    findings = checked("--kubeconfig", wrong, "--run-dir", tmp_path, expected=1)
    assert "401 Unauthorized" in only(findings, "server")["says"]


@pytest.mark.parametrize(("text", "words"), [(None, "no kubeconfig at"), ("", "is empty"), ("{[", "cannot use")])
def test_a_kubeconfig_that_is_none_is_a_problem(text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "kubeconfig").write_text(text)
    findings = checked("--kubeconfig", tmp_path / "kubeconfig", "--run-dir", tmp_path, expected=1)
    assert words in only(findings, "kubeconfig")["says"]
    assert of(findings, "intake")


def test_a_context_that_is_not_there_is_answered_with_those_that_are(well: Sandbox, tmp_path: Path) -> None:
    findings = checked("--kubeconfig", well.kubeconfig, "--context", "moon", "--run-dir", tmp_path, expected=1)
    assert "moon" in only(findings, "kubeconfig")["says"]
    assert only(findings, "kubeconfig")["do"] == "its contexts: podwire-sandbox"


def test_selectors_that_the_server_refuses_are_a_problem(well: Sandbox, tmp_path: Path) -> None:
    selector = ["--label-selector", "a in (", "--stage", "watcher-pods"]
    findings = checked("--kubeconfig", well.kubeconfig, *selector, "--run-dir", tmp_path, expected=1)
    assert "--label-selector" in only(findings, "list")["do"]


@pytest.mark.parametrize(
    ("intake", "words"), [("127.0.0.1:{port}", "Connection refused"), ("no-such-name.invalid", "cannot resolve")]
)
def test_an_intake_that_cannot_be_reached_is_a_problem(intake: str, words: str, tmp_path: Path) -> None:
    told = intake.format(port=rig.free_ports(1))
    findings = checked("--stage", "relay", "--intake", told, "--run-dir", tmp_path, expected=1)
    assert words in only(findings, "intake")["says"]
    assert [one["topic"] for one in findings] == ["run-dir", "stages", "intake"]


def test_tls_is_agreed_on_as_the_relay_would(tmp_path: Path) -> None:
    """A reducer with a private CA that asks for its clients' certificates: without the CA, without a certificate, and with both."""
    files = Files(tmp_path)
    (cert, key), (own_cert, own_key) = files.issue("localhost"), files.issue("podwire")
    tls = ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(files.ca)]
    addresses = tmp_path / "addresses"
    reducer_ = [
        "sandbox",
        "reducer",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--address-file",
        str(addresses),
    ]
    with rig.process([*reducer_, *tls], log=tmp_path / "log"):
        rig.wait_for(addresses.exists, seconds=30, what="the reducer")
        intake = json.loads(addresses.read_text())["intake"]
        asked = ["--stage", "relay", "--run-dir", tmp_path / "run", "--intake", intake, "--intake-tls"]
        without = only(checked(*asked, expected=1), "intake")
        asked += ["--intake-ca", files.ca, "--intake-server-name", "localhost"]
        nobody = only(checked(*asked, expected=1), "intake")
        known = checked(*asked, "--intake-cert", own_cert, "--intake-key", own_key, expected=0)
    assert "--intake-ca" in without["do"]
    assert "cuts the connection" in nobody["says"]
    assert only(known, "intake", "ok")["says"].endswith("over TLS")


@pytest.mark.parametrize("where", ["file/run", "/proc/podwire", "x" * 120])
def test_a_run_directory_that_cannot_be_is_a_problem(where: str, reducer: rig.Reducer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run_dir = tmp_path / where
    findings = checked("--stage", "relay", "--intake", reducer.address, "--run-dir", run_dir, expected=1)
    assert str(run_dir) in only(findings, "run-dir")["says"]
    assert "--run-dir" in " ".join(only(findings, "run-dir").values())


def test_a_run_directory_that_is_open_to_others_is_worth_a_note(reducer: rig.Reducer, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    findings = checked("--stage", "relay", "--intake", reducer.address, "--run-dir", tmp_path, expected=0)
    assert only(findings, "run-dir", "note")["run"] == f"chmod 700 {tmp_path}"


def test_stages_that_run_are_named_and_one_that_is_missing_is_a_problem(
    well: Sandbox, reducer: rig.Reducer, tmp_path: Path
) -> None:
    run_dir = tmp_path / "run"
    options = ["--kubeconfig", str(well.kubeconfig), "--intake", reducer.address, "--run-dir", str(run_dir)]
    log = tmp_path / "log"
    with rig.process(["podwire", "up", *options], log=log):
        rig.wait_for(lambda: _in_sync(run_dir), seconds=60, what="all stages in sync")
        stages = of(checked(*options, expected=0), "stages")
    assert [one["says"].split()[0] for one in stages] == list(rig.STAGES)
    assert all(one["says"].endswith("in sync") for one in stages)
    with rig.process(["podwire", "up", "--stage", "relay", *options], log=log):
        rig.wait_for((run_dir / "relay.admin").exists, seconds=60, what="the relay")
        assert only(checked(*options, "--stage", "relay", "--stage", "matcher", expected=1), "stages")["says"] == (
            "matcher does not run, while others do"
        )
        (run_dir / "relay.link").unlink()
        deaf = only(checked(*options, "--stage", "relay", expected=1), "stages")
        assert "nobody answers at" in deaf["says"]


def test_stages_that_are_apart_are_looked_for_with_their_keys(tmp_path: Path) -> None:
    """The matcher's own machine: what it listens to has to be reachable, and its keys have to be there."""
    keys = tmp_path / "keys"
    subprocess.run([sys.executable, "-m", "podwire", "keys", str(keys)], cwd=rig.ROOT, capture_output=True, check=True)
    ports = rig.free_ports(2)
    there = ["--stage", "matcher", "--run-dir", tmp_path / "run", "--relay", f"tcp://127.0.0.1:{ports}"]
    missing = checked(*there, "--keys", tmp_path / "elsewhere", expected=1)
    assert "elsewhere" in only(missing, "keys")["says"]
    assert "relay cannot be reached" in only(missing, "peers")["says"]
    with socket.create_server(("127.0.0.1", ports)), socket.create_server(("127.0.0.1", ports + 1)):
        findings = checked(*there, "--keys", keys, expected=0)
        alone = checked(*there, "--keys", keys / "matcher", expected=0)  # all that a container of the matcher's own has
    assert only(findings, "peers", "ok")["says"].startswith("relay accepts connections")
    assert only(findings, "keys", "ok") == only(alone, "keys", "ok")


def _in_sync(run_dir: Path) -> bool:
    asked = [sys.executable, "-m", "podwire", "status", "--run-dir", str(run_dir)]
    return subprocess.run(asked, cwd=rig.ROOT, capture_output=True, check=False).returncode == 0


def test_in_a_pipe_each_finding_is_one_line_without_colour(well: Sandbox, tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "podwire", "check", "--kubeconfig", str(well.kubeconfig), "--run-dir", str(tmp_path)]
    ran = subprocess.run(asked, cwd=rig.ROOT, env=rig.environment(), capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")
    lines = ran.stdout.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "note", "problem"}
    assert lines[-1].startswith("problem  intake")
    assert "; do: nothing listens there" in lines[-1]
    assert "\x1b" not in ran.stdout


@pytest.mark.apiserver
def test_on_todays_api_server_which_answers_no_reviews(tmp_path: Path, reducer: rig.Reducer) -> None:
    """Rights are tried instead, and streaming lists come in protobuf."""
    if not (rig.SHARED / "up").exists():
        pytest.skip("there is no shared/apiserver beside the checkout")
    with rig.real_cluster(20) as cluster:
        options = ["--kubeconfig", cluster.kubeconfig, "--intake", reducer.address, "--run-dir", tmp_path / "run"]
        findings = checked(*options, expected=0)
    assert len(of(findings, "rights")) == 3
    assert only(findings, "streaming", "ok")["says"] == "streaming lists, in protobuf"
    assert only(findings, "bookmarks", "ok")


@pytest.mark.cluster
@pytest.mark.parametrize("namespace", ["", "checked"])
def test_what_grants_a_missing_verb_grants_it(
    control_plane: str, reducer: rig.Reducer, namespace: str, tmp_path: Path
) -> None:
    """A service account of a real cluster with one verb missing; the line that the check gives, run by an administrator, is the remedy."""
    kubectl = Kubectl(control_plane)
    account = f"podwire{'-' if namespace else ''}{namespace}"
    kubeconfig = service_account(kubectl, Path(control_plane), account, tmp_path / "kubeconfig")
    scope = ["-n", namespace] if namespace else []
    role = "role" if namespace else "clusterrole"
    if namespace:
        kubectl("create", "namespace", namespace)
    for name, verbs, resources in (("most", "list,watch", "pods,replicasets.apps"), ("some", "list", "jobs.batch")):
        kubectl(*scope, "create", role, f"{account}-{name}", f"--verb={verbs}", f"--resource={resources}")
        binding = [f"{account}-{name}", f"--{role}={account}-{name}", f"--serviceaccount=default:{account}"]
        kubectl(*scope, "create", f"{role}binding", *binding)
    options = ["--kubeconfig", kubeconfig, "--intake", reducer.address, "--run-dir", tmp_path / "run"]
    options += ["--namespace", namespace] if namespace else []

    missing = only(checked(*options, expected=1), "rights")
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    assert missing["says"] == f"system:serviceaccount:default:{account} may not watch jobs.batch {where}"
    environment = rig.environment(KUBECONFIG=control_plane)
    subprocess.run(["bash", "-ec", missing["run"]], env=environment, capture_output=True, text=True, check=True)
    rig.wait_for(lambda: _rights(options) == 3, seconds=30, what="the right to be known")

    findings = checked(*options, expected=0)
    assert "pages are listed instead" in only(findings, "streaming", "note")["says"]
    (bookmarks,) = of(findings, "bookmarks")
    if namespace:  # in all of them, what other tests have left behind may still be going away
        assert bookmarks["level"] == "note"
        assert bookmarks["says"].startswith("nothing happened")


def _rights(options: list[Any]) -> int:
    result = CliRunner().invoke(command, [*map(str, options), "--json"])
    return sum(one["level"] == "ok" for one in of(json.loads(result.output)["findings"], "rights"))


def service_account(kubectl: Kubectl, admin: Path, name: str, to: Path) -> Path:
    """Makes a service account; gives the kubeconfig with its token."""
    kubectl("create", "serviceaccount", name)

    def secret() -> str:
        found: list[dict[str, str]] = kubectl.get("serviceaccount", name).get("secrets") or []
        return found[0]["name"] if found else ""

    rig.wait_for(secret, seconds=60, what="the service account's token", every=0.2)
    encoded = kubectl.get("secret", secret())["data"]["token"]

    return changed(admin, to, token=base64.b64decode(encoded).decode())
