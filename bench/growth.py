"""How each figure grows with the pods: a line through the sizes, a table, and a plot (which needs matplotlib: the extra `bench`)."""

from pathlib import Path
from typing import Any

from bench.figures import Line, fit

Record = dict[str, Any]

FIGURES = (
    ("podwire: wall", "podwire wall", "s"),
    ("bare reader: wall", "bare wall", "s"),
    ("typed client: wall", "typed wall", "s"),
    ("podwire: resync, wall", "podwire resync_wall", "s"),
    ("podwire: CPU of the five", "podwire cpu", "s"),
    ("podwire: CPU of the five, resync", "podwire resync_cpu", "s"),
    ("bare reader: CPU", "bare cpu", "s"),
    ("typed client: CPU", "typed cpu", "s"),
    ("API server's CPU for podwire", "podwire server_cpu", "s"),
    ("API server's CPU for the bare reader", "bare server_cpu", "s"),
    ("podwire: PSS of the five", "podwire pss_mb", "MB"),
    ("podwire: peak PSS of the five", "peak peak_mb", "MB"),
    ("podwire: bytes upstream per pod", "podwire bytes_per_pod", "B"),
)
"""Label, figure of a sync's record, unit."""


def points(records: list[Record], name: str) -> list[tuple[float, float]]:
    """Pods and figure, of the sizes that have it."""
    return [(record["pods"], record[name]) for record in records if name in record]


def table(records: list[Record]) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: the figure at each size, and its line."""
    heads = ["", *(f"{record['pods']:,}" for record in records), "base", "per 1,000 pods more"]
    rows = []
    for label, name, unit in FIGURES:
        line = fit(points(records, name))
        cells = [f"{record[name]:.3g} {unit}" if name in record else "" for record in records]
        rows.append([label, *cells, *_line(line, unit)])
    return heads, [row for row in rows if any(row[1:-2])]


def _line(line: Line | None, unit: str) -> list[str]:
    if line is None:
        return ["", ""]
    return [f"{line.base:.3g} {unit}", f"{1000 * line.slope:.3g} {unit}"]


PANELS = (
    ("start until all is there, s", ("podwire wall", "podwire resync_wall", "bare wall", "typed wall")),
    ("CPU of it, s", ("podwire cpu", "podwire resync_cpu", "bare cpu", "typed cpu")),
    ("API server's CPU, s", ("podwire server_cpu", "bare server_cpu")),
    ("memory (PSS), MB", ("podwire pss_mb", "peak peak_mb")),
)
"""Title, and figures of a sync's record."""

COLOURS = {"podwire": "#0b6e4f", "bare": "#b36a00", "typed": "#7a3b8f", "peak": "#c0392b"}


def plot(records: list[Record], file: Path) -> None:
    """Writes the panels as PNG: points as measured, lines as fitted. Raises ModuleNotFoundError without matplotlib."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(10, 7), layout="constrained")
    for axis, (title, names) in zip(axes.flat, PANELS, strict=True):
        for name in names:
            _draw(axis, points(records, name), name)
        axis.set(title=title, xlabel="pods", xscale="log", yscale="linear" if "memory" in title else "log")
        if "memory" in title:
            axis.set_ylim(bottom=0)
        sizes = [record["pods"] for record in records]
        axis.set_xticks(sizes, labels=[f"{size:,}" for size in sizes])
        axis.set_xticks([], minor=True)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(file, dpi=72, metadata={"Software": None})
    pyplot.close(figure)


def _draw(axis: Any, found: list[tuple[float, float]], name: str) -> None:  # noqa: ANN401 (matplotlib's)
    whose, _, what = name.partition(" ")
    label = {"podwire": "podwire", "bare": "bare reader", "typed": "typed client", "peak": "podwire, peak"}[whose]
    resync = what.startswith("resync")
    colour = COLOURS[whose]
    if found:
        axis.plot(
            *zip(*found, strict=True),
            "o" if not resync else "s",
            color=colour,
            label=f"{label}{', resync' if resync else ''}",
        )
    line = fit(found)
    if line is not None:
        sizes = [found[0][0] * (found[-1][0] / found[0][0]) ** (step / 40) for step in range(41)]
        axis.plot(sizes, [line.at(size) for size in sizes], "--" if resync else "-", color=colour, linewidth=1)
