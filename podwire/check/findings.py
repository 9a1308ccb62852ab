"""What a check has found, and how it is shown: a line each in a pipe, wrapped on a terminal, or JSON."""

import json
import textwrap
from collections.abc import Iterable
from typing import Literal

import click
import msgspec

Level = Literal["ok", "note", "problem"]
"""A note is worth knowing and keeps nothing from working."""

_COLORS = {"ok": "green", "note": "yellow", "problem": "red"}
_INDENT = 21
"""Columns of level and topic."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    topic: str
    level: Level
    says: str
    do: str = ""
    """What to do about it, in words."""
    run: str = ""
    """What to run about it, for a shell."""


def shown(finding: Finding, *, width: int | None, color: bool) -> str:
    """The finding in a line, or in lines of this width; a command to run is never broken."""
    level = click.style(f"{finding.level:8}", fg=_COLORS[finding.level]) if color else f"{finding.level:8}"
    head = f"{level} {finding.topic:11} "
    if width is None:
        advice = "".join(f"; {what}: {text}" for what, text in _advice(finding))
        return f"{head}{finding.says}{advice}"
    lines = _wrapped(finding.says, width)
    for what, text in _advice(finding):
        lines += [f"run: {text}"] if what == "run" else _wrapped(f"do: {text}", width)
    return head + f"\n{' ' * _INDENT}".join(lines)


def as_json(findings: Iterable[Finding]) -> str:
    """All findings, and whether there is no problem among them."""
    found = list(findings)
    listed = [{key: value for key, value in msgspec.structs.asdict(one).items() if value} for one in found]
    return json.dumps({"ok": not any(one.level == "problem" for one in found), "findings": listed}, indent=2)


def _advice(finding: Finding) -> list[tuple[str, str]]:
    return [(what, text) for what, text in (("do", finding.do), ("run", finding.run)) if text]


def _wrapped(text: str, width: int) -> list[str]:
    room = max(width - _INDENT, 20)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
