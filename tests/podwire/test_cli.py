"""The `podwire` command: what it has, and what it imports for it."""

import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import UsageError
from common.version import VERSION
from podwire import stages
from podwire.cli import COMMANDS, group
from podwire.up import command as up
from sandbox.cli import COMMANDS as SANDBOX

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_or_its_options(name: str) -> None:
    result = CliRunner().invoke(group, [name, "--help"], catch_exceptions=False)
    assert result.exit_code == 0
    assert "Options:" in result.output


EVERY_COMMAND = [[], *([name] for name in COMMANDS), *(["sandbox", name] for name in SANDBOX)]


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_every_help_fits_into_80_columns_and_says_what_each_value_is(words: list[str]) -> None:
    result = CliRunner().invoke(group, [*words, "--help"], catch_exceptions=False, terminal_width=80)
    assert [line for line in result.output.splitlines() if len(line) > 80] == []
    assert not {"TEXT", "INTEGER", "FLOAT", "RANGE"} & set(result.output.split())


@pytest.mark.parametrize("words", [one for one in EVERY_COMMAND if one[:1] != ["sandbox"] or one[1:]], ids=" ".join)
def test_every_help_has_an_example(words: list[str]) -> None:
    result = CliRunner().invoke(group, [*words, "--help"], catch_exceptions=False)
    assert f"\n  podwire {' '.join(words)}".rstrip() in result.output.replace('eval "$(', "")


def test_the_options_of_each_stage_stand_together_in_the_help_of_up() -> None:
    output = CliRunner().invoke(group, ["up", "--help"]).output
    titles = [line for line in output.splitlines() if line.startswith("Options")]
    assert titles == ["Options:", "Options of the watchers:", "Options of the matcher:", "Options of the relay:"]
    assert (
        output.index("Options of the watchers:")
        < output.index("  --kubeconfig FILE")
        < output.index("Options of the matcher:")
    )


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(group, ["--version"]).output == f"podwire {VERSION}\n"


def test_an_unknown_command_is_the_users_mistake() -> None:
    result = CliRunner().invoke(group, ["watsch"])
    assert result.exit_code == 2
    assert "No such command 'watsch'" in result.output


@pytest.mark.parametrize(
    ("arguments", "foreign"),
    [
        (["--help"], {"zmq", "kubernetes", "aiohttp", "rich", "msgspec"}),
        (
            ["relay", "--help"],
            {"yaml", "common.configload", "kubernetes", "aiohttp", "rich", "watcher", "matcher", "sandbox"},
        ),
        (["match", "--help"], {"yaml", "kubernetes", "aiohttp", "rich", "watcher", "relay", "sandbox"}),
        (["up", "--help"], {"aiohttp", "rich", "sandbox"}),
        (["sandbox", "reducer", "--help"], {"kubernetes", "rich", "watcher", "matcher", "relay"}),
    ],
)
def test_a_command_does_not_pay_for_the_libraries_of_another(arguments: list[str], foreign: set[str]) -> None:
    script = (
        "import sys; from podwire.cli import group; group.main(sys.argv[1:], standalone_mode=False);"
        "print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(ran.stderr.split()) & foreign == set()


def test_no_option_of_up_is_declared_twice() -> None:
    names = [name for parameter in up.params for name in parameter.opts]
    assert sorted(names) == sorted(set(names))


def admin_addresses(admin: str) -> list[str]:
    context = up.make_context("up", ["--admin", admin, "--kubeconfig", "k"])
    runs = [program.run for program in stages.programs(context.params)]
    return [run.args[0].admin for run in runs if isinstance(run, partial)]


def test_under_up_admin_ports_count_up_from_the_given_one() -> None:
    assert admin_addresses("0.0.0.0:9100") == [f"0.0.0.0:{9100 + number}" for number in range(5)]
    assert admin_addresses("127.0.0.1:0") == ["127.0.0.1:0"] * 5
    assert admin_addresses("off") == ["off"] * 5


def test_up_runs_the_stages_that_it_is_told_each_at_the_admin_port_that_it_has_among_all() -> None:
    context = up.make_context("up", ["--admin", "[::1]:9100", "--stage", "watcher-jobs", "--stage", "watcher-pods"])
    programs = stages.programs(context.params, context.params["names"])
    runs = {program.name: program.run for program in programs}
    assert {name: run.args[0].admin for name, run in runs.items() if isinstance(run, partial)} == {
        "watcher-pods": "[::1]:9100",
        "watcher-jobs": "[::1]:9102",
    }


def test_a_demo_of_some_stages_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="--stage"):
        up.main(["--demo", "--stage", "relay"], standalone_mode=False)


def test_the_watchers_alone_do_not_load_what_the_others_need() -> None:
    script = (
        "import sys; from podwire import stages; stages.preload(['watcher-pods', 'watcher-jobs']); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "watcher.main" in loaded
    assert not {"relay.main", "matcher.main", "lz4"} & loaded


def test_all_stages_load_nothing_that_takes_much_and_that_few_need() -> None:
    script = "import sys; from podwire import stages; stages.preload(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"kubernetes", "asyncio", "rich", "google.protobuf.text_format"}
    loaded = set(ran.stdout.split())
    assert not heavy & loaded
    assert "prometheus_client.exposition" in loaded, "each stage would load it at its first scrape, unshared"


@pytest.mark.parametrize("stage", ["watcher", "matcher", "relay"])
def test_a_stage_alone_loads_nothing_for_metrics_before_somebody_scrapes_them(stage: str) -> None:
    script = f"import sys, {stage}.main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"prometheus_client", "urllib.request", "asyncio"} & set(ran.stdout.split())


def test_an_admin_address_that_is_none_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="--admin"):
        admin_addresses("9100")


def test_a_recording_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "where"
    with pytest.raises(UsageError, match=f"^--record: cannot record to {nowhere}: there is no directory"):
        up.main(["--run-dir", str(tmp_path / "run"), "--record", str(nowhere)], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_up_takes_every_option_of_every_stage() -> None:
    have = {name for parameter in up.params for name in parameter.opts}
    for module in ("watcher", "matcher", "relay"):
        alone = importlib.import_module(f"{module}.cli").command
        assert {name for one in alone.params for name in one.opts if name.startswith("--")} <= have
