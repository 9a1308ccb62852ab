"""The settings file's values as options' values, and where every value of a command came from.

At the file's top stand the options that all stages have; what one stage has stands in its section, which may also give a stage a common
option of its own; and `watcher` may have a section for each kind. A stage that runs alone takes its part of the same file, and leaves
the other sections unread: it does not know their options (`podwire config` does, and checks all of them).

An option of the command line goes before a variable, a variable before the file, the file before the default: click's own order, as the
file is its `default_map`. What the file says for one stage of many is not in there: `podwire up` asks `own_of` for it.
"""

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, assert_never

import click
from click.core import ParameterSource

from common.configfile import Entry, Section, Text, Texts, read_settings
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


@dataclass(frozen=True, kw_only=True)
class Given:
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


@dataclass(frozen=True, kw_only=True)
class _Loaded:
    """What a context keeps of its file."""

    given: tuple[Given, ...]
    taken: dict[str, Given]
    """Those in `default_map`, by name."""


_NOTHING = _Loaded(given=(), taken={})


def load(path: Path, context: click.Context, *, common: Iterable[Setting], kind: str | None) -> None:
    """Makes the file the context's `default_map`, as far as it concerns the context's command. Raises UsageError."""
    reading = _Reading(path, context, {one.key: one for one in common})
    given = tuple(reading.values(read_settings(path)))
    places = _places(context, kind)
    has = {one.name for one in context.command.params}
    chosen = [one for one in given if one.name in has and _concerns(context, one, places)]
    taken = {one.name: one for one in sorted(chosen, key=lambda one: len(one.place))}
    context.default_map = {name: one.raw for name, one in taken.items()}
    context.meta[_META] = _Loaded(given=given, taken=taken)


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


def _loaded(context: click.Context) -> _Loaded:
    loaded: _Loaded = context.meta.get(_META, _NOTHING)
    return loaded


def _places(context: click.Context, kind: str | None) -> tuple[Place, ...]:
    """The places that a stage which runs alone takes its values from; those of a whole pipeline are its options' own."""
    sections = _sections(context)
    if len(sections) != 1:
        return ((), *((one,) for one in sections))
    section = sections[0]
    return ((), (section,), (section, kind)) if kind in _inside(section) else ((), (section,))


def _concerns(context: click.Context, given: Given, places: tuple[Place, ...]) -> bool:
    if given.place not in places:
        return False
    # A common option in a stage's section is that stage's alone: not the whole pipeline's.
    return len(_sections(context)) == 1 or given.place == _place_of(context, given.name)


def _place_of(context: click.Context, name: str) -> Place:
    (section,) = [one.section for one in context.command.params if isinstance(one, Setting) and one.name == name]
    return (section,) if section else ()


def _sections(context: click.Context) -> tuple[str, ...]:
    """The sections whose options the command has."""
    found = {one.section for one in context.command.params if isinstance(one, Setting)}
    return tuple(one for one in SECTIONS if one in found)


def _inside(section: str) -> tuple[str, ...]:
    """The sections that this one may have."""
    from common.records import KINDS  # by those who have a file: its codec costs a small tool more than all else here

    return KINDS if section == "watcher" else ()


class _Reading:
    """One file, read for one command."""

    def __init__(self, path: Path, context: click.Context, common: dict[str, Setting]) -> None:
        self._path = path
        self._context = context
        self._common = common
        self._known = _sections(context)
        self._own = {
            section: {
                one.key: one for one in context.command.params if isinstance(one, Setting) and one.section == section
            }
            for section in self._known
        }

    def values(self, top: Section) -> Iterator[Given]:
        """All that the file says to this command, in its order. Raises UsageError."""
        for key, entry in top.entries.items():
            if key in SECTIONS:
                if key in self._known:
                    yield from self._in_section(self._as_section(key, entry), (key,))
            else:
                yield self._value(key, entry, (), self._common)

    def _in_section(self, section: Section, place: Place) -> Iterator[Given]:
        own = self._own[place[0]]
        # The stages meet in one run directory.
        options = own if place == ("up",) else own | {k: one for k, one in self._common.items() if k != "run-dir"}
        for key, entry in section.entries.items():
            if len(place) == 1 and key in _inside(place[0]):
                yield from self._in_section(self._as_section(key, entry), (*place, key))
            else:
                yield self._value(key, entry, place, options)

    def _as_section(self, key: str, entry: Entry) -> Section:
        if isinstance(entry, Text) and entry.text is None:
            return Section({}, entry.line)
        if not isinstance(entry, Section):
            raise self._wrong(entry, f"{key} is a section: its options stand below it, indented")
        return entry

    def _value(self, key: str, entry: Entry, place: Place, options: dict[str, Setting]) -> Given:
        option = options.get(key)
        if option is None:
            raise self._wrong(entry, f"{'.'.join((*place, key))} is no setting{self._hint(key, place, options)}")
        raw = self._raw(key, entry, option)
        try:
            value = option.type_cast_value(self._context, raw if raw or not option.multiple else ())
        except click.BadParameter as error:
            raise self._wrong(entry, f"{key}: {error.message}") from error
        name = option.name or key
        return Given(name=name, key=key, place=place, raw=raw, value=value, origin=f"{self._path}:{entry.line}")

    def _raw(self, key: str, entry: Entry, option: Setting) -> str | tuple[str, ...]:
        match entry:
            case Text(text=None):
                raise self._wrong(entry, f"{key} has no value; leave the line out for the default")
            case Text(text=str(text)):
                return (text,) if option.multiple else text
            case Texts() if option.multiple:
                return entry.texts
            case Section() if option.multiple:
                return tuple(f"{inner}={self._inner(inner, of)}" for inner, of in entry.entries.items())
            case _:
                raise self._wrong(entry, f"{key} takes one value")

    def _inner(self, key: str, entry: Entry) -> str:
        if not isinstance(entry, Text):
            raise self._wrong(entry, f"{key} takes one value")
        return entry.text or ""

    def _hint(self, key: str, place: Place, options: dict[str, Setting]) -> str:
        """Where the key belongs, or which one may be meant."""
        elsewhere = [section for section, own in self._own.items() if key in own and (section,) != place]
        if elsewhere:
            return f"; {key} stands in the section {elsewhere[0]}"
        if key in self._common:
            return f"; {key} stands at the top of the file"
        import difflib

        names = [*options, *(_inside(place[0]) if len(place) == 1 else () if place else SECTIONS)]
        close = difflib.get_close_matches(key, names, n=1)
        return f"; is {close[0]} meant?" if close else f"; there are {', '.join(sorted(names))}"

    def _wrong(self, entry: Entry, text: str) -> UsageError:
        return UsageError(f"{self._path}:{entry.line}: {text}")
