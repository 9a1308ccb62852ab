"""What docs/troubleshooting.md quotes is what podwire says: whoever searches it for a line of a log finds that.

In its tables the first cell says where something shows. In a row of words, everything in backticks is a text of the code in which `…`
stands for each value that varies, or a part of one, or an option. In a row of metrics it is a word of docs/metrics.md.
"""

import ast
import functools
import re
from collections.abc import Iterator

import pytest

from bench import rig

DOCS = rig.ROOT / "docs"
PAGE = DOCS / "troubleshooting.md"
PACKAGES = ("common", "watcher", "matcher", "relay", "podwire")
LEAST_LETTERS = 6
"""A text of the code that has fewer fits anything."""

_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|", re.MULTILINE)
_QUOTE = re.compile(r"`([^`]+)`")
_WORDS = re.compile(r"why|status|check|healthcheck|error at the start|the same|log of .+")
_FIELD = re.compile(r"\{\w*\}")
_NOT_PODWIRE = ("kubectl",)


def rows() -> list[tuple[str, str]]:
    """Where it shows, and what is quoted."""
    return [(where, quote) for where, shows in _ROW.findall(PAGE.read_text("utf-8")) for quote in _QUOTE.findall(shows)]


QUOTES = [(where, quote) for where, quote in rows() if _WORDS.match(where) and quote not in _NOT_PODWIRE]


@functools.cache
def texts() -> tuple[str, ...]:
    """All texts of the code but docstrings, with `…` for each value, and the names of fields."""
    trees = (ast.parse(file.read_text("utf-8")) for name in PACKAGES for file in (rig.ROOT / name).rglob("*.py"))
    return tuple(text for tree in trees for text in _texts(tree))


def _texts(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Expr(value=ast.Constant()):
            return
        case ast.Constant(value=str(text)):
            yield _FIELD.sub("…", text)
        case ast.keyword(arg=str(name)):
            yield name
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def is_said(quote: str) -> bool:
    """Whether it is a text of the code, a part of one, or one with its values filled in."""
    core = quote.strip("…;:, ")
    return any(core in text or _fits(quote, text) for text in texts())


def _fits(quote: str, text: str) -> bool:
    if "…" not in text or sum(map(str.isalpha, text)) < LEAST_LETTERS:
        return False
    return re.fullmatch("(?:.+)".join(map(re.escape, text.split("…"))), quote, re.DOTALL) is not None


@pytest.mark.parametrize(("where", "quote"), QUOTES)
def test_what_the_page_quotes_is_said(where: str, quote: str) -> None:
    assert is_said(quote), f"nothing in the code says {quote!r} ({where})"


def test_what_nobody_says_is_noticed() -> None:
    """The check can fail."""
    assert len(QUOTES) > 50
    assert not is_said("the reducer is sleepy, emissions are held")


def test_the_page_names_metrics_that_exist() -> None:
    named = set(re.findall(r"`((?:podwire|process)_\w+)`", PAGE.read_text("utf-8")))
    assert named - set(re.findall(r"`(\w+)`", (DOCS / "metrics.md").read_text("utf-8"))) == set()


def test_the_page_has_every_reason_for_an_epoch() -> None:
    """As docs/metrics.md has them, which is held against what a running matcher exposes."""
    (row,) = re.findall(
        r"`podwire_matcher_epochs_total` \| counter \| `reason` \(([^)]+)\)", (DOCS / "metrics.md").read_text()
    )
    section = PAGE.read_text("utf-8").split("## Epochs keep coming")[1].split("\n## ")[0]
    assert set(_QUOTE.findall(row)) - set(_QUOTE.findall(section)) == set()
