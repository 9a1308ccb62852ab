"""A demo's figures for people: a live table on a terminal, a line elsewhere."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from podwire.demo.figures import Figures
from podwire.overview.draw import bars, bytes_of, latency, stage_table

IN_STEP = "in step"


def line(figures: Figures) -> str:
    """One line of what matters most."""
    return (
        f"{figures.seconds:.0f} s: pods {_number(figures.cluster_pods)} in the cluster, "
        f"{_number(figures.reducer_pods)} in the reducer, {_number(figures.waiting)} waiting; epoch {_number(figures.epoch)}; "
        f"link {figures.link}; {figures.events_per_second:.0f} events/s, {bytes_of(figures.bytes_per_second)}/s; "
        f"latency {_latency(figures)}; {figures.step}"
    )


def picture(figures: Figures, *, note: str) -> RenderableType:
    """The live table; it fits 80 columns. `note` stands below it."""
    title = Text(f"podwire demo, {figures.seconds:.0f} s", style="bold")
    under_way = [bars(figures.progress)] if figures.progress else []
    return Group(title, _flow(figures), stage_table(figures.stages), *under_way, Text(note, style="dim"))


def _flow(figures: Figures) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    pods = f"{_number(figures.cluster_pods)} in the cluster, {_number(figures.matcher_pods)} in the matcher, "
    table.add_row("pods", f"{pods}{_number(figures.reducer_pods)} in the reducer")
    table.add_row("containers", f"{_number(figures.containers)} in the reducer")
    table.add_row("waiting for owners", _number(figures.waiting))
    table.add_row("epoch", _number(figures.epoch))
    table.add_row("link", figures.link)
    table.add_row(
        "events", f"{figures.events_per_second:.1f}/s told, {figures.messages_per_second:.1f}/s sent upstream"
    )
    table.add_row("bytes upstream", f"{bytes_of(figures.bytes_per_second)}/s, {bytes_of(figures.bytes_total)} in all")
    table.add_row("latency", _latency(figures))
    table.add_row("breaches", Text(_number(figures.breaches), style="red" if figures.breaches else ""))
    table.add_row("reducer", Text(figures.step, style="bold green" if figures.step == IN_STEP else "yellow"))
    return table


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _latency(figures: Figures) -> str:
    if figures.p50_seconds is None or figures.p99_seconds is None:
        return "-"
    return latency((figures.p50_seconds, figures.p99_seconds))
