"""A fault that is put into podwire's sources: exact old text → new text."""

from typing import NamedTuple


class Edit(NamedTuple):
    """`old` stands in the file exactly once."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A rule that is dropped or turned wrong."""

    name: str
    edits: tuple[Edit, ...]


def mutant(name: str, file: str, old: str, new: str) -> Mutant:
    """Of one edit."""
    return Mutant(name, (Edit(file, old, new),))
