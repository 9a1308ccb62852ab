"""The five stages: their names, and what each runs under the supervisor."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import matcher.cli
import relay.cli
import watcher.cli
from common.address import parse_address
from common.options import Decorator
from common.records import KINDS
from podwire.children import Program

STAGES = (*(f"watcher-{kind}" for kind in KINDS), "matcher", "relay")
"""The names of their files in the run directory."""

_IMPORTED_WHEN_NEEDED = ("kubernetes.config", "prometheus_client.exposition")
"""What the stages import late."""

OPTIONS: list[Decorator] = [*watcher.cli.OPTIONS, *matcher.cli.OPTIONS, *relay.cli.OPTIONS]
"""What the stages can be told, besides `common.options.COMMON`."""


def programs(options: Mapping[str, Any]) -> tuple[Program, ...]:
    """Each stage with its settings of these option values. Raises UsageError for values that do not fit."""
    return tuple(Program(name=name, run=run) for name, run in _runs(options))


def preload() -> None:
    """Imports all that a stage may need, so that the forked stages share that memory."""
    for module in ("watcher.main", "matcher.main", "relay.main", *_IMPORTED_WHEN_NEEDED):
        importlib.import_module(module)


def _runs(options: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], None]]]:
    from matcher.main import run as run_matcher
    from relay.main import run as run_relay
    from watcher.main import run as run_watcher

    listen = {name: _nth(options["admin"], number) for number, name in enumerate(STAGES)}
    for kind in KINDS:
        name = f"watcher-{kind}"
        watching = watcher.cli.settings_of(**{**options, "kind": kind, "admin": listen[name]})
        yield name, partial(run_watcher, watching)
    matching = matcher.cli.settings_of(**{**options, "admin": listen["matcher"]})
    yield "matcher", partial(run_matcher, matching)
    relaying = relay.cli.settings_of(**{**options, "admin": listen["relay"]})
    yield "relay", partial(run_relay, relaying)


def _nth(admin: str, number: int) -> str:
    """The admin address of the stage of this number: ports count up from the given one, and 0 stays 0."""
    if admin == "off":
        return admin
    first = parse_address(admin, option="--admin")
    return str(first if first.port == 0 else first._replace(port=first.port + number))
