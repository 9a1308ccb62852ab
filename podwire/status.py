"""`podwire status`: what each stage of a run directory is doing, as one table."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from common.options import COMMON, all_of, option
from podwire.ask import NoAnswer, stage_state
from podwire.stages import STAGES

_HEADING = ("STAGE", "PID", "UP", "CPU", "RSS", "PSS", "STATE")

States = Mapping[str, dict[str, Any] | str]
"""Each stage's /state, or in words why there is none."""


def read_states(run_dir: Path) -> States:
    """Asks every stage that runs in `run_dir`."""
    states: dict[str, dict[str, Any] | str] = {}
    for stage in STAGES:
        try:
            states[stage] = stage_state(run_dir, stage)
        except NoAnswer as reason:
            states[stage] = str(reason)
    return states


def status_lines(states: States) -> list[str]:
    """The table of `states`, heading first."""
    rows = [_HEADING, *(_row(stage, state) for stage, state in states.items())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def print_status(run_dir: Path) -> None:
    """Prints the table of what runs in `run_dir`."""
    _print(status_lines(read_states(run_dir)))


@click.command("status")
@all_of([*COMMON[:1], option("--json", "as_json", is_flag=True, help="Each stage's whole /state as one JSON object.")])
def command(run_dir: Path, as_json: bool) -> None:
    """Show what each stage of a run directory is doing. Exits 1 when a stage is not running or not in sync.

    \b
    podwire status
    podwire status --json | jq '.matcher.epoch'
    """
    states = read_states(run_dir)
    _print([json.dumps(states, indent=2)] if as_json else status_lines(states))
    if any(isinstance(state, str) or state["not_ready"] for state in states.values()):
        raise SystemExit(1)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _row(stage: str, state: dict[str, Any] | str) -> tuple[str, ...]:
    if isinstance(state, str):
        return (stage, "-", "-", "-", "-", "-", state)
    return (
        stage,
        str(state["pid"]),
        f"{state['uptime_seconds']:.0f} s",
        f"{state['cpu_seconds']:.2f} s",
        _mebibytes(state["rss_kib"]),
        _mebibytes(state["pss_kib"]),
        state["not_ready"] or "in sync",
    )


def _mebibytes(kib: int | None) -> str:
    return "-" if kib is None else f"{kib / 1024:.1f} MB"
