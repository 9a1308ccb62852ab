"""The five stages: their names, and what each runs under the supervisor."""

import importlib
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import matcher.cli
import relay.cli
import watcher.cli
from common import logs
from common.address import parse_address
from common.errors import UsageError
from common.options import Decorator, in_section
from common.records import KINDS
from common.transport import IPC, endpoint, parse_listen
from podwire.children import Program

STAGES = (*(f"watcher-{kind}" for kind in KINDS), "matcher", "relay")
"""The names of their files in the run directory."""

OPTIONS: list[Decorator] = [
    *in_section("watcher", watcher.cli.OPTIONS),
    *in_section("matcher", matcher.cli.OPTIONS),
    *in_section("relay", relay.cli.OPTIONS),
]
"""What the stages can be told, besides `common.options.COMMON`."""

Own = Callable[[str], Mapping[str, Any]]
"""Option values of a stage alone, by its name; they go before those of all."""


def programs(
    options: Mapping[str, Any], names: Collection[str] = STAGES, *, own: Own = lambda _name: {}
) -> tuple[Program, ...]:
    """Each stage of `names` with its settings of these option values. Raises UsageError for values that do not fit."""
    if options["listen"] != IPC and "matcher" in names and len(names) > 1:
        raise UsageError("--listen: stages that run beside the matcher meet it in the run directory; see --stage")
    return tuple(
        Program(name=name, run=_run(name, values_of(name, options, own), own(name))) for name in STAGES if name in names
    )


def values_of(name: str, options: Mapping[str, Any], own: Own) -> dict[str, Any]:
    """The option values of one stage. Raises UsageError."""
    return {**options, **_of_nth(options, name, STAGES.index(name)), **own(name)}


def preload(names: Collection[str] = STAGES) -> None:
    """Imports all that these stages need, so that they share that memory once they are forked; what a scrape of their metrics needs
    too, which would be three megabytes in each (measured).
    """
    for module in (
        *{f"{name.partition('-')[0]}.main" for name in names},
        "common.metrics",
        "prometheus_client.exposition",
    ):
        importlib.import_module(module)


def prepare_credentials(options: Mapping[str, Any]) -> None:
    """Reads what the watchers need to know of the API server, once for all of them."""
    importlib.import_module("watcher.credentials").prepare(kubeconfig=options["kubeconfig"], context=options["context"])


def _run(name: str, values: Mapping[str, Any], own: Mapping[str, Any]) -> Callable[[], None]:
    _nth(values["admin"], 0)  # a stage would refuse it in a process of its own
    run = _stage(name, values)
    if not {"log_format", "log_level"} & own.keys():
        return run  # the supervisor has set up logs before it forks

    def run_logging() -> None:
        logs.configure(format_=values["log_format"], level=values["log_level"])
        run()

    return run_logging


def _stage(name: str, options: Mapping[str, Any]) -> Callable[[], None]:
    match name:
        case "matcher":
            from matcher.main import run as run_matcher

            return partial(run_matcher, matcher.cli.settings_of(**options))
        case "relay":
            from relay.main import run as run_relay

            return partial(run_relay, relay.cli.settings_of(**options))
        case _:
            from watcher.main import run as run_watcher

            return partial(run_watcher, watcher.cli.settings_of(**{**options, "kind": name.removeprefix("watcher-")}))


def _of_nth(options: Mapping[str, Any], name: str, number: int) -> dict[str, Any]:
    """Those values that are to be different for each stage."""
    listen, keys_dir = parse_listen(options["listen"], option="--listen"), options["keys_dir"]
    return {
        "admin": _nth(options["admin"], number),
        "listen": IPC if listen is None else endpoint(listen, offset=2 * number),
        "keys_dir": None if keys_dir is None else keys_dir / name,
    }


def _nth(admin: str, number: int) -> str:
    """The admin address of the stage of this number: ports count up from the given one, and 0 stays 0."""
    if admin == "off":
        return admin
    first = parse_address(admin, option="--admin")
    return str(first if first.port == 0 else first._replace(port=first.port + number))
