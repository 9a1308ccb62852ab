"""Options, their variables, and addresses."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from common.address import Address, parse_address
from common.entry import run_command
from common.errors import UsageError
from common.options import COMMON, all_of, option


@click.command()
@all_of(
    [
        *COMMON,
        option("--owner-wait", "wait", type=float, default=30.0, also=("OLD_NAME",)),
        option("--climb/--no-climb"),
    ]
)
def show(**options: Any) -> None:
    for name, value in sorted(options.items()):
        click.echo(f"{name}={value}")


def shown(*arguments: str, **variables: str) -> dict[str, str]:
    result = CliRunner().invoke(show, arguments, env=variables, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(line.split("=", 1) for line in result.output.splitlines())


def test_an_option_is_a_variable_too_and_the_option_wins() -> None:
    assert shown()["wait"] == "30.0"
    assert shown(PODWIRE_OWNER_WAIT="5")["wait"] == "5.0"
    assert shown("--owner-wait", "6", PODWIRE_OWNER_WAIT="5")["wait"] == "6.0"
    assert shown(PODWIRE_CLIMB="1")["climb"] == "True"


def test_a_further_variable_is_of_lower_rank() -> None:
    assert shown(OLD_NAME="7")["wait"] == "7.0"
    assert shown(OLD_NAME="7", PODWIRE_OWNER_WAIT="5")["wait"] == "5.0"


def test_help_names_variables_and_defaults() -> None:
    text = CliRunner().invoke(show, ["--help"], terminal_width=200).output
    assert "[env var: PODWIRE_OWNER_WAIT, OLD_NAME; default: 30.0]" in text
    assert "PODWIRE_RUN_DIR" in text


def test_the_run_directory_is_a_path(tmp_path: Path) -> None:
    assert shown("--run-dir", str(tmp_path / "run"))["run_dir"] == str(tmp_path / "run")


def test_a_users_mistake_ends_a_program_with_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def mistaken() -> None:
        raise UsageError("no such context: moon")

    monkeypatch.setattr("sys.argv", ["podwire"])
    with pytest.raises(SystemExit) as ended:
        run_command(mistaken, name="podwire")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "podwire: no such context: moon\n"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", Address("127.0.0.1", 8000)),
        ("reducer.example:0", Address("reducer.example", 0)),
        ("[::1]:65535", Address("::1", 65_535)),
    ],
)
def test_addresses_are_host_and_port(text: str, address: Address) -> None:
    assert parse_address(text, option="--intake") == address
    assert str(address) == text


def test_an_address_in_brackets_may_be_of_either_family() -> None:
    """A manifest writes down the Pod's address without knowing which family the cluster has."""
    assert parse_address("[10.0.0.7]:9461", option="--admin") == Address("10.0.0.7", 9461)


@pytest.mark.parametrize(
    "text", ["", "host", ":1", "host:", "host:-1", "host:65536", "host:1x", "host:\u0661", "::1:80", "[]:80"]
)
def test_anything_else_is_the_users_mistake_and_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--intake: "):
        parse_address(text, option="--intake")


@given(st.text())
def test_any_text_is_an_address_or_the_users_mistake(text: str) -> None:
    try:
        address = parse_address(text, option="--intake")
    except UsageError:
        return
    assert parse_address(str(address), option="--intake") == address
