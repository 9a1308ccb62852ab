"""A settings file's values as the values of a command's options. Imported by those who have a file: nobody else pays for it."""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from common.config import SECTIONS, Given, Loaded, Place, Setting, keep
from common.configfile import Entry, Section, Text, Texts, read_settings
from common.errors import UsageError
from common.records import KINDS


def load(path: Path, context: click.Context, *, common: Iterable[Setting], kind: str | None) -> None:
    """Makes the file the context's `default_map`, as far as it concerns the context's command. Raises UsageError."""
    reading = _Reading(path, context, {one.key: one for one in common})
    given = tuple(reading.values(read_settings(path)))
    places = _places(context, kind)
    has = {one.name for one in context.command.params}
    chosen = [one for one in given if one.name in has and _concerns(context, one, places)]
    taken = {one.name: one for one in sorted(chosen, key=lambda one: len(one.place))}
    keep(context, Loaded(given=given, taken=taken))


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
        names = [*options, *(_inside(place[0]) if len(place) == 1 else () if place else SECTIONS)]
        close = difflib.get_close_matches(key, names, n=1)
        return f"; is {close[0]} meant?" if close else f"; there are {', '.join(sorted(names))}"

    def _wrong(self, entry: Entry, text: str) -> UsageError:
        return UsageError(f"{self._path}:{entry.line}: {text}")
