"""Command line options as every stage declares them: each is an environment variable too, and shows it in its help.

A stage has a frozen settings struct and a list of options with the fields' names; `podwire up` puts all stages' options on one command.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from common.place import default_run_dir

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]


def option(*names: str, also: tuple[str, ...] = (), **attributes: Any) -> Decorator:  # noqa: ANN401 (click's own attributes)
    """`click.option` with the variable `PODWIRE_<NAME>`, and those in `also` as further variables of lower rank."""
    long = max((name for name in names if name.startswith("--")), key=len).split("/")[0]
    variable = "PODWIRE_" + long.removeprefix("--").upper().replace("-", "_")
    attributes.setdefault("show_default", True)
    return click.option(*names, envvar=[variable, *also], show_envvar=True, **attributes)


def all_of(options: list[Decorator]) -> Callable[[Command], Command]:
    """One decorator of many, in the order in which help shall show them."""

    def decorate(command: Command) -> Command:
        for one in reversed(options):
            command = one(command)
        return command

    return decorate


COMMON = [
    option(
        "--run-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=default_run_dir,
        show_default="$XDG_RUNTIME_DIR/podwire, else /tmp/podwire-UID",
        help="Directory of the sockets and PID files; made with mode 0700.",
    ),
    option(
        "--admin",
        default="127.0.0.1:0",
        metavar="HOST:PORT|off",
        help="Where the stage answers /healthz, /readyz, /metrics and /state over HTTP; port 0 takes a free one, "
        "and RUN_DIR/<stage>.admin has the address.",
    ),
    option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Log lines for people, or JSON."),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="Least level that is logged.",
    ),
]
"""Options that every stage has."""
