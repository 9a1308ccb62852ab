"""`podwire config`: the settings that `podwire up` would run with, each with where it came from; as a settings file that says the same."""

import json
import re
from collections.abc import Iterator
from typing import Any

import click

from common.config import SECTIONS, Given, Place, Setting, given_at, origin
from common.options import all_of
from common.records import KINDS
from common.sectioned import SectionedCommand
from podwire.up import ALL

_PLAIN = re.compile(r"[A-Za-z0-9/._][A-Za-z0-9/._=+@-]*(:[A-Za-z0-9/._=+@-]+)*")
"""Text that YAML takes for the text that it is, as long as it stands for no other type's value, which a settings file has none of."""

_ESCAPED = re.compile("[\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff]")
"""What YAML takes for a line's end, or refuses, and JSON does not escape."""

Row = tuple[str, str]
"""A line of the file, and the comment beside it."""


@click.command("config", cls=SectionedCommand)
@all_of(ALL)
@click.pass_context
def command(context: click.Context, /, **_options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Show the effective settings as a settings file, with where each came from: an option, a variable, a line of the file, or the
    default. Takes the options of `podwire up`. A wrong key or value of the file ends it with exit code 2 and names the line.

    \b
    podwire config --config podwire.yaml
    podwire config > podwire.yaml           a file to begin with
    """
    rows = list(_rows(context))
    width = max(len(line) for line, comment in rows if comment)
    for line, comment in rows:
        click.echo(f"{line.ljust(width)}  # {comment}" if comment else line)


def _rows(context: click.Context) -> Iterator[Row]:
    settings = [one for one in context.command.params if isinstance(one, Setting)]
    yield from (_row(context, one, depth=0) for one in settings if one.section is None)
    for section in SECTIONS:
        yield f"\n{section}:", ""
        yield from (_row(context, one, depth=1) for one in settings if one.section == section)
        own = {one.key for one in settings if one.section == section}
        yield from (_given_row(one) for one in given_at(context, (section,)) if one.key not in own)
        yield from _kinds(context, section)


def _kinds(context: click.Context, section: str) -> Iterator[Row]:
    """What the file gives a stage of one kind."""
    for kind in KINDS:
        if given := given_at(context, (section, kind)):
            yield f"  {kind}:", ""
            yield from map(_given_row, given)


def _row(context: click.Context, setting: Setting, *, depth: int) -> Row:
    value = context.params[setting.name]
    if value is None or value == ():
        return f"{'  ' * depth}# {setting.key}:", "not set"
    return f"{'  ' * depth}{setting.key}: {written(value)}", origin(context, setting)


def _given_row(given: Given) -> Row:
    place: Place = given.place
    return f"{'  ' * len(place)}{given.key}: {written(given.raw)}", given.origin


def written(value: Any) -> str:  # noqa: ANN401 (whatever options are)
    """The value as a settings file has it."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_quoted, value))}]"
    return str(value).lower() if isinstance(value, bool) else _quoted(value)


def _quoted(value: Any) -> str:  # noqa: ANN401 (as above)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() != "null":
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
