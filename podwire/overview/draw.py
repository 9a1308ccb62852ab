"""An overview for people: tables that fit 80 columns, and mean the same without colour."""

import io
from collections.abc import Iterable, Iterator

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from podwire.overview.model import IN_SYNC, Overview, Progress, StageRow, duration

LONGEST_STATE = 14
"""Characters that the last column has in 80 columns; what is longer stands below the table."""

RECENT_SECONDS = 600.0
"""A warning older than this is for the log."""

WIDE = 1_000
"""Columns where lines are not to be broken: in a pipe."""


def picture(overview: Overview) -> RenderableType:
    """All of it."""
    parts: list[RenderableType] = [stage_table(overview.stages), *_reasons(overview.stages)]
    facts = _table_of(_facts(overview))
    if facts.row_count:
        parts += [Text(), facts]
    if overview.progress:
        parts += [Text(), bars(overview.progress)]
    warnings = [Text(line, style="yellow") for line in _warnings(overview)]
    return Group(*parts, *([Text(), *warnings] if warnings else []))


def lines(drawn: RenderableType) -> list[str]:
    """The same for a pipe: no control codes, and no line is broken."""
    console = Console(file=io.StringIO(), width=WIDE, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(drawn)
    return [line.rstrip() for line in capture.get().splitlines()]


def stage_table(rows: Iterable[StageRow]) -> Table:
    """A line for each stage."""
    rows = tuple(rows)
    restarted = any(row.restarts > 0 for row in rows)
    table = Table(box=None, header_style="cyan", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("STAGE", overflow="fold")
    for heading in ("PID", *(["RESTARTS"] if restarted else []), "UP", "CPU", "MEMORY"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("STATE", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *_cells(row, restarted=restarted), Text(_short(row), style=_style(row)))
    return table


def bars(progress: Iterable[Progress]) -> Table:
    """A bar for each thing that takes a while."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(width=24)
    table.add_column()
    for one in progress:
        known = one.of_about or None
        bar = ProgressBar(total=known, completed=one.done, width=24) if known else Text()
        table.add_row(one.what, bar, _done(one))
    return table


def bytes_of(count: float) -> str:
    """A number of bytes, for people."""
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def latency(quantiles: tuple[float, float] | None) -> str:
    """Median and 99th percentile."""
    return "-" if quantiles is None else f"p50 {quantiles[0] * 1e3:.1f} ms, p99 {quantiles[1] * 1e3:.1f} ms"


def _cells(row: StageRow, *, restarted: bool) -> Iterator[str]:
    yield "-" if row.pid is None else str(row.pid)
    if restarted:
        yield str(max(row.restarts, 0))
    yield "-" if row.uptime_seconds is None else duration(row.uptime_seconds)
    yield "-" if row.cpu_share is None else f"{row.cpu_share:.1%}"
    yield "-" if row.pss_kib is None else f"{row.pss_kib / 1024:.1f} MB"


def _short(row: StageRow) -> str:
    if len(row.state) <= LONGEST_STATE:
        return row.state
    return "no answer" if row.pid is None else "not in sync"


def _style(row: StageRow) -> str:
    if row.state == IN_SYNC:
        return "green"
    return "red" if row.pid is None else "yellow"


def _reasons(rows: Iterable[StageRow]) -> Iterator[Text]:
    for row in rows:
        if len(row.state) > LONGEST_STATE:
            yield Text(f"{row.name}: {row.state}", style=_style(row))


def _table_of(facts: Iterable[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    for name, value in facts:
        table.add_row(name, value)
    return table


def _facts(overview: Overview) -> Iterator[tuple[str, str]]:
    names = ("known", "live", "waiting", "provisional", "dirty", "unswept")
    pods = [f"{overview.pods[name]:,} {name}" for name in names if name in overview.pods]
    if pods:
        yield "pods", ", ".join(pods)
    if overview.epoch:
        yield "epoch", _epoch(overview)
    if overview.link:
        yield "link", overview.link
    if overview.lag:
        yield "lag", f"{latency(overview.lag)} since the relay's start"
    if overview.heard:
        ages = ", ".join(f"{kind} {duration(age)}" for kind, age in overview.heard.items())
        yield "watch age", ages
    rates = list(_rates(overview))
    if rates:
        yield "rates", ", ".join(rates)


def _epoch(overview: Overview) -> str:
    epoch = overview.epoch
    if not epoch.get("number"):
        return "none yet"
    opened = f"opened {duration(epoch['age_seconds'])} ago" if epoch["open"] else "closed"
    return f"{epoch['number']}, {opened}; reason: {', '.join(epoch['reasons'])}"


def _rates(overview: Overview) -> Iterator[str]:
    if overview.events_per_second is not None:
        yield f"{overview.events_per_second:,.1f} events/s read"
    if overview.emissions_per_second is not None:
        yield f"{overview.emissions_per_second:,.1f} emissions/s"
    if overview.bytes_per_second is not None:
        yield f"{bytes_of(overview.bytes_per_second)}/s upstream"


def _done(one: Progress) -> str:
    if not one.of_about:
        return f"{one.done:,} so far"
    return f"{one.done:,} of about {one.of_about:,} ({min(1.0, one.done / one.of_about):.0%})"


def _warnings(overview: Overview) -> Iterator[str]:
    for name, warning in overview.warnings.items():
        if warning["age_seconds"] < RECENT_SECONDS:
            yield f"{duration(warning['age_seconds'])} ago, {name}: {warning['text']}"
