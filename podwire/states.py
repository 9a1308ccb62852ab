"""What the stages say of themselves: those of a run directory, or whatever answers at addresses that a person gives."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import click

from common.options import option
from podwire.ask import NoAnswer, ask_json, stage_state
from podwire.stages import STAGES

States = Mapping[str, dict[str, Any] | str]
"""Each stage's /state, or in words why there is none."""

AT = option(
    "--at",
    "addresses",
    metavar="HOST:PORT",
    multiple=True,
    help="Ask the stage whose admin HTTP is there, instead of those of the run directory; may be given many times.",
)
"""For stages of other containers, Pods or machines."""


def read_states(run_dir: Path) -> States:
    """Asks every stage that runs in `run_dir`, all at once: one that hangs holds up no other."""
    with ThreadPoolExecutor(len(STAGES)) as pool:
        return dict(zip(STAGES, pool.map(partial(_state_or_why, run_dir), STAGES), strict=True))


def read_states_at(addresses: Iterable[str]) -> States:
    """Asks at each address. Stages are named as they name themselves; what does not answer is named by its address."""
    asked = tuple(dict.fromkeys(addresses))
    states: dict[str, dict[str, Any] | str] = {}
    with ThreadPoolExecutor(len(asked)) as pool:
        for address, state in zip(asked, pool.map(_state_at, asked), strict=True):
            name = state["stage"] if isinstance(state, dict) else address
            states[name if name not in states else f"{name} {address}"] = state
    return states


def reader(run_dir: Path, addresses: tuple[str, ...]) -> Callable[[], States]:
    """Reads the states that a command was told to look at."""
    return partial(read_states_at, addresses) if addresses else partial(read_states, run_dir)


def in_sync(states: States) -> bool:
    """Whether every stage answers and is in sync."""
    return not any(isinstance(state, str) or state.get("not_ready") for state in states.values())


def echo_lines(lines: Iterable[str]) -> None:
    """Prints them."""
    for line in lines:
        click.echo(line)


def _state_or_why(run_dir: Path, stage: str) -> dict[str, Any] | str:
    try:
        return stage_state(run_dir, stage)
    except NoAnswer as reason:
        return str(reason)


def _state_at(address: str) -> dict[str, Any] | str:
    try:
        state = ask_json(address, "/state")
    except NoAnswer as reason:
        return str(reason)
    if not isinstance(state, dict) or not isinstance(state.get("stage"), str):
        return f"what answers at {address} is no stage of podwire"
    return state
