"""Command line options as every stage declares them: each is an environment variable too, and a key of the settings file.

A stage has a frozen settings struct and a list of options with the fields' names; `podwire up` puts all stages' options on one command.
`common.config` reads the settings file.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from common.config import Setting, locating_errors
from common.place import default_run_dir

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]


def option(*names: str, also: tuple[str, ...] = (), **attributes: Any) -> Decorator:  # noqa: ANN401 (click's own attributes)
    """`click.option` with the variable `PODWIRE_<NAME>`, and those in `also` as further variables of lower rank."""
    long = max((name for name in names if name.startswith("--")), key=len).split("/")[0]
    variable = "PODWIRE_" + long.removeprefix("--").upper().replace("-", "_")
    attributes.setdefault("show_default", True)
    attributes.setdefault("cls", Setting)
    return click.option(*names, envvar=[variable, *also], show_envvar=True, **attributes)


def all_of(options: list[Decorator]) -> Callable[[Command], Command]:
    """One decorator of many, in the order in which help shall show them."""

    def decorate(command: Command) -> Command:
        for one in reversed(options):
            command = one(command)
        return command

    return decorate


def in_section(section: str, options: list[Decorator]) -> list[Decorator]:
    """The same options, as keys of this section of the settings file."""

    def tagged(one: Decorator) -> Decorator:
        def decorate(command: Any) -> Any:  # noqa: ANN401 (whatever click decorates)
            command = one(command)
            command.__click_params__[-1].section = section
            return command

        return decorate

    return [tagged(one) for one in options]


class _ConfigFile(click.Option):
    """Reads the settings file before any other option is looked at."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        path, rest = super().handle_parse_result(ctx, opts, args)
        if path is not None and not ctx.resilient_parsing:
            from common.configload import load

            load(path, ctx, common=_settings(COMMON), kind=opts.get("kind"))
        return path, rest


def _settings(options: list[Decorator]) -> list[Setting]:
    """The settings among these options."""

    @all_of(options)
    def command() -> None: ...

    return [one for one in command.__click_params__ if isinstance(one, Setting)]  # type: ignore[attr-defined]


def _where(command: Command) -> Command:
    """`--config` and `--run-dir`: what every command has that has to do with a pipeline."""
    return all_of([_CONFIG, _RUN_DIR])(locating_errors(command))


_CONFIG = option(
    "--config",
    cls=_ConfigFile,
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    show_default=False,
    is_eager=True,
    expose_value=False,
    help="Settings file (YAML): options by their names. Variables and options go before it.",
)

_RUN_DIR = option(
    "--run-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_run_dir,
    show_default="$XDG_RUNTIME_DIR/podwire, else /tmp/podwire-UID",
    help="Directory of the sockets and PID files; made with mode 0700.",
)

COMMON: list[Decorator] = [
    _where,
    option(
        "--admin",
        default="127.0.0.1:0",
        metavar="HOST:PORT|off",
        help="Where the stage answers /healthz, /readyz, /metrics and /state over HTTP; port 0 takes a free one, "
        "and RUN_DIR/STAGE.admin has the address.",
    ),
    option(
        "--listen",
        default="ipc",
        metavar="ipc|tcp://ADDRESS:PORT",
        help="Where the matcher finds a watcher or the relay: in the run directory, or at PORT and PORT+1 of this IP address "
        "(0.0.0.0: of all that this machine has). The matcher itself listens nowhere.",
    ),
    option(
        "--keys",
        "keys_dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=None,
        metavar="DIR",
        show_default=False,
        help="Directory of a stage's CURVE keys, which podwire keys makes. Needed for tcp:// off loopback.",
    ),
    option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Log lines for people, or JSON."),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="Least level that is logged.",
    ),
]
"""Options that every stage has. The first is what a tool needs that only has to find the stages."""
