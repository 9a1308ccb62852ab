"""Where every value of a command came from: an option, a variable, the settings file or the default. `common.configload` reads the file.

At the file's top stand the options that all stages have; what one stage has stands in its section, which may also give a stage a common
option of its own; and `watcher` may have a section for each kind. A stage that runs alone takes its part of the same file, and leaves
the other sections unread: it does not know their options (`podwire config` does, and checks all of them).

An option of the command line goes before a variable, a variable before the file, the file before the default: click's own order, as the
file is its `default_map`. What the file says for one stage of many is not in there: `podwire up` asks `own_of` for it.
"""

import functools
import os
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, assert_never

import click
from click.core import ParameterSource

from common.errors import UsageError

SECTIONS = ("up", "watcher", "matcher", "relay")
"""The sections at a file's top."""

Place = tuple[str, ...]
"""Where in a file: () at its top, ("watcher",) or ("watcher", "pods")."""

Command = TypeVar("Command", bound=Callable[..., Any])

_META = "podwire.config"
_OPTION = re.compile(r"--[a-z][-a-z]*[a-z]")


class Setting(click.Option):
    """An option that a settings file may set."""

    section: str | None = None
    """The section of the file, or None at its top."""

    @property
    def key(self) -> str:
        """Its name in a settings file: the long option's."""
        return max((name for name in self.opts if name.startswith("--")), key=len).removeprefix("--")


class Given(NamedTuple):
    """A value that a file gives."""

    name: str
    """The option's parameter."""
    key: str
    place: Place
    raw: str | tuple[str, ...]
    """As it would stand on a command line."""
    value: Any
    """As the option's type has it."""
    origin: str
    """`FILE:LINE`."""


class Loaded(NamedTuple):
    """What a context keeps of its file, as `keep` was told."""

    given: tuple[Given, ...]
    taken: dict[str, Given]
    """Those in `default_map`, by name."""


_NOTHING = Loaded(given=(), taken={})


def keep(context: click.Context, loaded: Loaded) -> None:
    """Makes the file the context's `default_map`."""
    context.default_map = {name: one.raw for name, one in loaded.taken.items()}
    context.meta[_META] = loaded


def given_at(context: click.Context, place: Place) -> list[Given]:
    """What the file says at this place, but for what variables or options say otherwise."""
    stronger = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    return [
        one
        for one in _loaded(context).given
        if one.place == place and context.get_parameter_source(one.name) not in stronger
    ]


def own_of(context: click.Context, *place: str) -> dict[str, Any]:
    """Values that the file gives this stage alone, by its section and kind, unless variables or options go before them."""
    return {one.name: one.value for depth in range(1, len(place) + 1) for one in given_at(context, place[:depth])}


def origin(context: click.Context, parameter: Setting) -> str:
    """Where the command has this value from, in words: an option, a variable, a line of a file, or `default`."""
    match context.get_parameter_source(parameter.name or ""):
        case ParameterSource.COMMANDLINE | ParameterSource.PROMPT:
            return f"--{parameter.key}"
        case ParameterSource.ENVIRONMENT:
            variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
            return next((one for one in variables if os.environ.get(one)), "environment")
        case ParameterSource.DEFAULT_MAP:
            return _loaded(context).taken[parameter.name or ""].origin
        case ParameterSource.DEFAULT | None:
            return "default"
        case _ as never:
            assert_never(never)


def locating_errors(command: Command) -> Command:
    """The command's UsageErrors say where an option that they name came from, unless it was given as an option."""

    @functools.wraps(command)
    def located(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (whatever the command takes and gives)
        try:
            return command(*arguments, **options)
        except UsageError as error:
            origins = _origins(str(error), click.get_current_context())
            raise UsageError(": ".join([*origins[:1], str(error)])) from error

    return located  # type: ignore[return-value]  # wraps() makes it look like the command


def _origins(text: str, context: click.Context) -> list[str]:
    """Where the options that the text names came from."""
    found = []
    for name in _OPTION.findall(text):
        for one in context.command.params:
            if isinstance(one, Setting) and name == f"--{one.key}":
                found += [
                    given.origin for given in _loaded(context).given if given.name == one.name and _says(text, given)
                ]
                source = origin(context, one)
                found += [] if source in ("default", name) else [source]
    return found


def _says(text: str, given: Given) -> bool:
    return any(raw in text for raw in ([given.raw] if isinstance(given.raw, str) else given.raw))


def _loaded(context: click.Context) -> Loaded:
    loaded: Loaded = context.meta.get(_META, _NOTHING)
    return loaded
