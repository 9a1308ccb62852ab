"""What chaos says, in 80 columns, on a terminal and in a pipe: each fault as it strikes, and the recoveries at the end."""

import statistics
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

WIDTH = 80
SEVERAL = "several at once"
START = "start of all"


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """One time that podwire came back into step."""

    kind: str
    seconds: float
    within_seconds: float


def say(words: str = "") -> None:
    """Some lines, each folded where it is too long."""
    for line in words.splitlines() or [""]:
        click.echo(textwrap.fill(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False))


def say_at(seconds: float, words: str) -> None:
    """A line with the time since the begin, folded where it is too long."""
    minutes, rest = divmod(int(seconds), 60)
    click.echo(textwrap.fill(words, WIDTH, initial_indent=f"{minutes:>4}:{rest:02}  ", subsequent_indent=" " * 9))


def table(recoveries: Sequence[Recovery]) -> Iterator[str]:
    """Count, median and worst of each kind, and what is allowed."""
    if not recoveries:
        return
    yield f"{'fault':<34}{'times':>7}{'median':>11}{'worst':>11}{'allowed':>11}"
    for kind, some in sorted(_by_kind(recoveries).items()):
        seconds = [one.seconds for one in some]
        allowed = max(one.within_seconds for one in some)
        yield (f"{kind:<34}{len(some):>7}{statistics.median(seconds):>9.1f} s{max(seconds):>9.1f} s{allowed:>9.0f} s")


def _by_kind(recoveries: Sequence[Recovery]) -> Mapping[str, list[Recovery]]:
    found: dict[str, list[Recovery]] = {}
    for one in recoveries:
        found.setdefault(one.kind, []).append(one)
    return found
