"""`podwire config`: what it prints, and that it prints a settings file."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from common.configfile import Text, Texts, read_settings
from podwire.config import command, written


def shown(*arguments: str, **variables: str) -> str:
    result = CliRunner(env=variables).invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def line_of(key: str, output: str) -> str:
    (line,) = [" ".join(line.split()) for line in output.splitlines() if line.lstrip("# ").startswith(f"{key}:")]
    return line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "podwire.yaml"
    written.write_text("matcher:\n  owner-wait: 5\n  max-waiting: 6\n  ip-family: primary\n")
    return written


def test_each_setting_says_where_it_came_from(file: Path) -> None:
    output = shown("--config", str(file), "--max-waiting", "7", PODWIRE_IP_FAMILY="ipv4", EBPF_NET_INTAKE_PORT="1")
    assert line_of("owner-wait", output) == f"owner-wait: 5.0 # {file}:2"
    assert line_of("max-waiting", output) == "max-waiting: 7 # --max-waiting"
    assert line_of("ip-family", output) == "ip-family: ipv4 # PODWIRE_IP_FAMILY"
    assert line_of("intake", output) == "intake: 127.0.0.1:1 # EBPF_NET_INTAKE_PORT"
    assert line_of("climb", output) == "climb: false # default"
    assert line_of("context", output) == "# context: # not set"


def test_what_one_stage_has_alone_stands_in_its_section_unless_an_option_goes_before_it(file: Path) -> None:
    file.write_text("log-level: debug\nrelay:\n  log-level: error\nwatcher:\n  pods:\n    watch-silence: 9\n")
    output = shown("--config", str(file))
    assert "\nlog-level: debug" in output
    assert [" ".join(line.split()) for line in output.splitlines() if line.startswith("  log-level")] == [
        f"log-level: error # {file}:3"
    ]
    assert f"watch-silence: 9 # {file}:6" in " ".join(output.split())
    assert "\n  log-level" not in shown("--config", str(file), "--log-level", "info")


def test_what_it_prints_is_a_settings_file_that_says_the_same(file: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.yaml"
    options = ["--config", str(file), "--label", "a=b c", "--label", 'q="x": #y', "--namespace", "null", "--climb"]
    again.write_text(shown(*options))
    values, same = (
        command.make_context("config", list(arguments)).params for arguments in (options, ["--config", str(again)])
    )
    assert values == same


@example("NULL")
@example(["Null"])
@given(st.text() | st.lists(st.text(), min_size=1))
def test_any_value_is_written_so_that_it_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, value: str | list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "value.yaml"
    file.write_text(f"key: {written(value)}  # a comment\n", "utf-8")
    entry = read_settings(file).entries["key"]
    assert entry == (Text(value, 1) if isinstance(value, str) else Texts(tuple(value), 1))
