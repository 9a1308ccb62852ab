"""The settings file: which of its values a command takes, what goes before it, and how its mistakes are told."""

import contextlib
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

import matcher.cli
import relay.cli
import watcher.cli
from common.config import own_of
from common.errors import UsageError
from podwire.status import command as status
from podwire.up import command as up


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "podwire.yaml"


def told(command: click.Command, file: Path, text: str, *arguments: str) -> dict[str, Any]:
    """The command's values with this file."""
    file.write_text(text)
    return context_of(command, file, *arguments).params


def context_of(command: click.Command, file: Path, *arguments: str) -> click.Context:
    return command.make_context(command.name or "", [*arguments, "--config", str(file)])


def refusal(file: Path, text: str, command: click.Command = up) -> str:
    with pytest.raises(UsageError) as refused:
        told(command, file, text)
    assert str(refused.value).startswith(f"{file}:")
    return str(refused.value).removeprefix(f"{file}:")


WHOLE = """
log-level: debug
watcher:
  namespace: [shop, billing]
  watch-silence: 60
  pods:
    watch-silence: 90
matcher:
  log-level: error
  owner-wait: 5
  climb: on
relay:
  intake: reducer:9000
  label: {cluster: shop, zone: a b}
up:
  for: 3
"""


def test_up_takes_the_common_options_and_every_section(file: Path) -> None:
    values = told(up, file, WHOLE)
    assert (values["log_level"], values["namespaces"], values["owner_wait_seconds"]) == (
        "debug",
        ("shop", "billing"),
        5.0,
    )
    assert (values["intake"], values["labels"], values["climb"]) == ("reducer:9000", ("cluster=shop", "zone=a b"), True)
    assert (values["for_seconds"], values["watch_silence_seconds"]) == (3.0, 60.0)


def test_what_the_file_gives_one_stage_under_up_is_that_stages_alone(file: Path) -> None:
    file.write_text(WHOLE)
    context = context_of(up, file)
    assert own_of(context, "watcher", "pods")["watch_silence_seconds"] == 90.0
    assert own_of(context, "watcher", "jobs")["watch_silence_seconds"] == 60.0
    assert own_of(context, "matcher")["log_level"] == "error"
    assert "log_level" not in own_of(context, "relay")


def test_an_option_goes_before_what_the_file_gives_one_stage(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(WHOLE)
    monkeypatch.setenv("PODWIRE_WATCH_SILENCE", "7")
    own = own_of(context_of(up, file, "--log-level", "info"), "watcher", "pods")
    assert "watch_silence_seconds" not in own
    assert "log_level" not in own_of(context_of(up, file, "--log-level", "info"), "matcher")


def test_a_stage_alone_takes_its_part_its_kind_before_its_section_before_the_top(file: Path) -> None:
    assert told(matcher.cli.command, file, WHOLE)["log_level"] == "error"
    assert told(relay.cli.command, file, WHOLE)["log_level"] == "debug"
    assert told(watcher.cli.command, file, WHOLE, "pods")["watch_silence_seconds"] == 90.0
    assert told(watcher.cli.command, file, WHOLE, "jobs")["watch_silence_seconds"] == 60.0


def test_a_tool_that_looks_for_stages_takes_the_run_directory(file: Path) -> None:
    assert told(status, file, f"run-dir: {file.parent}\n{WHOLE}")["run_dir"] == file.parent


def test_a_variable_goes_before_the_file_and_an_option_before_both(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODWIRE_OWNER_WAIT", "6")
    assert told(up, file, WHOLE)["owner_wait_seconds"] == 6.0
    assert told(up, file, WHOLE, "--owner-wait", "7")["owner_wait_seconds"] == 7.0


def test_the_other_collectors_variables_go_before_the_file_too(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EBPF_NET_INTAKE_HOST", "other")
    assert told(up, file, WHOLE)["intake"] == "other:8000"


def test_the_file_may_be_named_by_a_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(WHOLE)
    monkeypatch.setenv("PODWIRE_CONFIG", str(file))
    assert matcher.cli.command.make_context("match", []).params["owner_wait_seconds"] == 5.0


@pytest.mark.parametrize("text", ["", "# nothing\n", "watcher:\nrelay: {}\n"])
def test_a_file_that_says_nothing_leaves_the_defaults(file: Path, text: str) -> None:
    assert told(up, file, text) == up.make_context("up", []).params


def test_a_single_value_stands_for_a_list_of_one(file: Path) -> None:
    assert told(up, file, "watcher: {namespace: shop}")["namespaces"] == ("shop",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("log-level: info\nlog-levle: x\n", 2, "log-levle is no setting; is log-level meant?"),
        ("admin: off\nowner-wait: 3\n", 2, "owner-wait stands in the section matcher"),
        ("matcher:\n  intake: r:1\n", 2, "matcher.intake is no setting; intake stands in the section relay"),
        ("matcher:\n  run-dir: /x\n", 2, "run-dir stands at the top"),
        ("config: other.yaml\n", 1, "config is no setting"),
        ("zzz: 1\n", 1, "there are admin, keys, listen, log-format"),
        ("matcher:\n  owner-wait: soon\n", 2, "owner-wait: 'soon' is not a valid float"),
        ("matcher:\n  owner-wait: -1\n", 2, "owner-wait: -1"),
        ("watcher:\n  encoding: xml\n", 2, "encoding: 'xml' is not one of"),
        ("matcher:\n  climb: perhaps\n", 2, "climb: 'perhaps' is not a valid boolean"),
        ("matcher:\n  owner-wait: [1, 2]\n", 2, "owner-wait takes one value"),
        ("matcher:\n  owner-wait: {a: 1}\n", 2, "owner-wait takes one value"),
        ("relay:\n  label:\n    a: [1]\n", 3, "a takes one value"),
        ("relay:\n  intake:\n", 2, "intake has no value"),
        ("matcher: 3\n", 1, "matcher is a section"),
        ("admin: off\nadmin: on\n", 2, "admin is given twice, first in line 1"),
        ("watcher:\n  namespace:\n  - a\n  - [b]\n", 4, "a list holds plain values only"),
        ("watcher:\n  namespace: [a, null]\n", 2, "a list holds plain values only"),
        ("- a\n", 1, "a settings file is a mapping"),
        ("? [a]\n: 1\n", 1, "a key is the name"),
        ("admin: 'off\n", 2, "this is no YAML"),
        ("admin: off\n---\nadmin: on\n", 2, "this is no YAML"),
        ("admin: off\nrelay: &a\n  label: *a\n", 2, "no setting stands so deep"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(file: Path, text: str, line: int, words: str) -> None:
    told_ = refusal(file, text)
    assert told_.startswith(f"{line}: ")
    assert words in told_


@pytest.mark.parametrize("command", [matcher.cli.command, relay.cli.command])
def test_a_stage_alone_names_a_mistake_in_its_part_and_leaves_the_others(command: click.Command, file: Path) -> None:
    told(command, file, "watcher: {nonsense: 1}")
    assert "is no setting" in refusal(
        file, f"{'matcher' if command is matcher.cli.command else 'relay'}: {{nonsense: 1}}", command
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the settings file .*missing.yaml: No such file"):
        context_of(up, tmp_path / "missing.yaml")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no UTF-8"):
        context_of(up, tmp_path / "binary")


@given(st.binary(max_size=60) | st.text("abc:-[]{}&*!|>'\"#\n \t%@,?0", max_size=40).map(str.encode))
def test_any_file_is_settings_or_the_users_mistake(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "hostile.yaml"
    file.write_bytes(data)
    with contextlib.suppress(UsageError):
        context_of(up, file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relay:\n  intake: reducer:http\n", ":2: --intake: 'reducer:http'"),
        ("relay:\n  label: [novalue]\n", ":2: --label: 'novalue'"),
        ("admin: '9100'\n", ":1: --admin: '9100'"),
        ("watcher:\n  namespace: Shop\n", ":2: --namespace: 'Shop'"),
        ("admin: off\nrelay:\n  admin: nowhere\n", ":3: --admin: 'nowhere'"),
    ],
)
def test_a_mistake_that_a_stage_finds_is_told_with_file_and_line_too(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        up.main(["--config", str(file)], standalone_mode=False)
    assert str(refused.value).startswith(f"{file}{words}")


def test_a_mistake_in_a_variable_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODWIRE_LABEL", "novalue")
    with pytest.raises(UsageError, match=r"^PODWIRE_LABEL: --label: 'novalue'"):
        up.main([], standalone_mode=False)


def test_a_mistake_in_an_option_is_told_as_it_is() -> None:
    with pytest.raises(UsageError, match=r"^--label: 'novalue'"):
        up.main(["--label", "novalue"], standalone_mode=False)
