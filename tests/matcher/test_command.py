"""The command line: options, their defaults and variables."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from common.options import COMMON, all_of
from matcher.cli import OPTIONS, command, settings_of
from matcher.settings import Settings


@click.command
@all_of(COMMON + OPTIONS)
@click.pass_context
def show(context: click.Context, **options: object) -> None:
    context.obj.append(settings_of(**options))


def settings(*arguments: str, **variables: str) -> Settings:
    out: list[Settings] = []
    result = CliRunner(env=variables).invoke(show, ["--run-dir", "run", *arguments], obj=out, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out[0]


def test_without_options_the_design_s_values_hold() -> None:
    assert settings() == Settings(
        run_dir=Path("run"),
        admin="127.0.0.1:0",
        peers={},
        keys_dir=None,
        owner_wait_seconds=30.0,
        max_waiting=10_000,
        ip_family="ipv4",
        climb=False,
    )


def test_every_option_is_a_variable_too() -> None:
    by_options = settings("--owner-wait", "0", "--max-waiting", "5", "--ip-family", "primary", "--climb")
    by_variables = settings(
        PODWIRE_OWNER_WAIT="0", PODWIRE_MAX_WAITING="5", PODWIRE_IP_FAMILY="primary", PODWIRE_CLIMB="1"
    )
    assert by_options == by_variables
    assert (by_options.owner_wait_seconds, by_options.max_waiting, by_options.climb) == (0.0, 5, True)


@pytest.mark.parametrize("wrong", [("--owner-wait", "-1"), ("--max-waiting", "0"), ("--ip-family", "ipv6")])
def test_a_wrong_value_is_one_error_that_names_the_option(wrong: tuple[str, str]) -> None:
    result = CliRunner().invoke(command, [*wrong])
    assert result.exit_code == 2
    assert wrong[0] in result.output
