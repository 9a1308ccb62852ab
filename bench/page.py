"""The results as Markdown, and the place in a page that they take."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import goals, growth, rig
from bench.pipeline import SUPERVISOR
from bench.sync import SHOWN

BEGIN = "<!-- made by python -m bench: begin -->"
END = "<!-- made by python -m bench: end -->"


def write(page: Path, text: str) -> None:
    """Puts the text between the page's markers. Raises ValueError where they are not both there, once."""
    before, began, rest = page.read_text("utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (began and ended) or BEGIN in after:
        raise ValueError(f"{page} has no place for results: {BEGIN} and {END}, once each")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", "utf-8")


def markdown(results: goals.Results) -> str:
    """All tables."""
    parts = [f"`{results['command']}`, {results['when']}, on {results['machine']}."]
    judged = goals.judge(results)
    if judged:
        parts += ["### Goals", _table(["goal", "figure", "bound", ""], [one.cells() for one in judged])]
    if records := results.get("sync"):
        parts += ["### Sync", _notes(records), _sync(records), "### Growth", _table(*growth.table(records))]
    if events := results.get("events"):
        parts += ["### Events", _notes([events]), _events(events)]
    return "\n\n".join(parts) + "\n"


def _notes(records: list[dict[str, Any]]) -> str:
    busiest = max(record["other_cores"] for record in records)
    return f"{records[0]['server']}; what else ran on the machine used {busiest:.2f} cores at most."


def _sync(records: list[dict[str, Any]]) -> str:
    heads = ["", *(f"{record['pods']:,} pods" for record in records)]
    rows = [
        [label.strip(), *(f"{record[name]:.3g} {unit}".strip() if name in record else "" for record in records)]
        for label, name, unit in _labelled()
        if any(name in record for record in records)
    ]
    return _table(heads, rows)


def _labelled() -> Iterable[tuple[str, str, str]]:
    """The rows as they are printed, with what they are a part of in their names: a table has no indentation."""
    above = ""
    for label, name, unit in SHOWN:
        if label.startswith(" "):
            yield f"{above}: {label.strip()}", name, unit
        else:
            above = label
            yield label, name, unit


def _events(found: dict[str, Any]) -> str:
    resting = found["idle"]
    heads = [
        "pod events a second",
        "told",
        "lag p50",
        "p99",
        "max",
        "CPU per event",
        "a bare watch's",
        *rig.STAGES,
        SUPERVISOR,
    ]
    rows = [
        [
            f"{run['rate_seen']:.0f}",
            f"{100 * run['useful']:.0f} %",
            *(f"{run[name]:.2f} ms" for name in ("p50_ms", "p99_ms", "max_ms")),
            *(
                f"{run[name]:.0f} µs"
                for name in ("cpu_us", "bare_us", *(f"cpu_us {stage}" for stage in (*rig.STAGES, SUPERVISOR)))
            ),
        ]
        for run in found["rates"]
    ]
    idle = f"At rest, with {found['pods']:,} pods: {resting['cpu_percent']:.2f} % of a core"
    idle += f", {resting['cpu_percent_all']:.2f} % with the supervisor."
    return f"{idle}\n\n{_table(heads, rows)}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ["---"] * len(heads), *rows])
