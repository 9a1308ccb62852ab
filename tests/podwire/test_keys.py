"""`podwire keys`: what it writes, for whom, and that it overwrites nothing."""

import base64
import stat
from pathlib import Path

import pytest
import yaml
import zmq
from click.testing import CliRunner

from common.errors import UsageError
from common.keys import PARTNERS, read_keys
from podwire.keys import command, make_files, manifest, write_files


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_each_stage_can_read_its_directory_and_the_keys_fit_each_other(tmp_path: Path) -> None:
    assert run(str(tmp_path / "keys")) == ""
    keys = {stage: read_keys(tmp_path / "keys" / stage, stage, others=others) for stage, others in PARTNERS.items()}
    for stage, others in PARTNERS.items():
        assert keys[stage].others == {other: keys[other].own.public for other in others}
        assert zmq.curve_public(keys[stage].own.secret) == keys[stage].own.public


def test_a_stage_gets_one_secret_key_and_the_public_ones_of_those_it_talks_to() -> None:
    """Who reads the matcher's Secret cannot pass for a watcher, and a watcher's says nothing of the relay."""
    files = make_files()
    assert {stage: set(names) for stage, names in files.items()} == {
        stage: {f"{stage}.key", *(f"{other}.pub" for other in others)} for stage, others in PARTNERS.items()
    }
    secrets = [files[stage][f"{stage}.key"] for stage in PARTNERS]
    assert len(set(secrets)) == len(secrets)


def test_nobody_else_can_read_what_it_writes(tmp_path: Path) -> None:
    write_files(tmp_path / "keys", make_files())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").glob("*/*")}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o700}


def test_keys_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "relay").mkdir()
    with pytest.raises(UsageError, match="relay is there already"):
        write_files(tmp_path, make_files())
    assert [path.name for path in tmp_path.iterdir()] == ["relay"]


def test_the_manifest_is_a_secret_for_each_stage_with_the_same_files(tmp_path: Path) -> None:
    printed = run("--secret-manifest", "--namespace", "shop", str(tmp_path / "keys"))
    secrets = {one["metadata"]["name"]: one for one in yaml.safe_load_all(printed)}
    assert set(secrets) == {f"podwire-keys-{stage}" for stage in PARTNERS}
    for stage in PARTNERS:
        secret = secrets[f"podwire-keys-{stage}"]
        assert (secret["apiVersion"], secret["kind"], secret["metadata"]["namespace"]) == ("v1", "Secret", "shop")
        written = {path.name: path.read_bytes() for path in (tmp_path / "keys" / stage).iterdir()}
        assert {name: base64.b64decode(content) for name, content in secret["data"].items()} == written


def test_a_manifest_alone_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = next(iter(yaml.safe_load_all(run("--secret-manifest"))))
    assert "namespace" not in first["metadata"]
    assert list(tmp_path.iterdir()) == []


def test_without_a_place_for_the_keys_none_are_made() -> None:
    with pytest.raises(UsageError, match="say where"):
        run()
    with pytest.raises(UsageError, match="--secret-manifest too"):
        run("keys", "--namespace", "shop")


def test_a_manifest_of_one_stage_has_no_other_s_secret() -> None:
    files = make_files()
    assert files["relay"]["relay.key"].decode().strip() not in manifest({"matcher": files["matcher"]}, namespace=None)
