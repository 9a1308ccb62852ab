"""Whether podwire's hot paths have become slower: CPU of each in units of a fixed piece of pure Python, against what is on record.

    python -m bench.regression [--record]

A unit is what `yardstick` costs in the same process, in turn with the paths, and of many rounds the least counts on both sides: neither
the machine's speed nor what else it does moves the ratio much. Ends with 1 where a path costs more than 1.5 times what bench/baseline.json
has for this Python; a Python that is not in there is only reported. --record writes this run's there, which belongs into the commit that
made a path slower for a reason, or faster.
"""

import gc
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import NamedTuple

import click

from bench import rig
from bench.hotpaths import Path, paths

BASELINE = FilePath(__file__).parent / "baseline.json"
BOUND = 1.5
ROUNDS = 40


class Cost(NamedTuple):
    """What a path costs."""

    name: str
    ratio: float
    """A unit of its work, over one of the yardstick's."""
    microseconds: float
    """A unit of its work, on this machine."""


class Verdict(NamedTuple):
    """A path against the record."""

    cost: Cost
    over_baseline: float | None
    """None: there is nothing on record."""

    @property
    def lost(self) -> bool:
        """It has become slower than the bound allows."""
        return self.over_baseline is not None and self.over_baseline > BOUND


YARDSTICK_UNITS = 2_000


def yardstick() -> int:
    """Pure Python of the kinds that podwire's own is made of: attributes, dicts, strings, bytes, small objects."""
    known: dict[str, tuple[int, bytes]] = {}
    total = 0
    for number in range(YARDSTICK_UNITS):
        name = f"pod-{number % 500}"
        before = known.get(name)
        value = (number, name.encode())
        if before is None or before[0] != number:
            known[name] = value
        total += len(b"".join([value[1], b"-", str(number).encode()]))
    return total + len(sorted(known))


def measure(some: Sequence[Path], *, rounds: int = ROUNDS) -> list[Cost]:
    """The least CPU of each path and of the yardstick, over so many rounds in turn."""
    least = {path.name: float("inf") for path in some}
    yard = float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            yard = min(yard, _cpu(yardstick) / YARDSTICK_UNITS)
            for path in some:
                least[path.name] = min(least[path.name], _cpu(path.run) / path.units)
            gc.collect()
    finally:
        gc.enable()
    return [Cost(path.name, least[path.name] / yard, 1e6 * least[path.name]) for path in some]


def _cpu(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def judge(costs: Sequence[Cost], baseline: dict[str, float]) -> list[Verdict]:
    """Each against its record."""
    return [Verdict(one, one.ratio / baseline[one.name] if one.name in baseline else None) for one in costs]


def version() -> str:
    """What a record holds for: the interpreter has more part in a ratio than anything else."""
    return ".".join(platform.python_version_tuple()[:2])


def show(verdicts: Sequence[Verdict]) -> None:
    """Prints the report."""
    print(f"  {'':48} {'µs':>8} {'yardsticks':>11} {'on record':>10}")
    for cost, over, *_ in verdicts:
        told = "-" if over is None else f"{over:.2f} times"
        print(f"  {cost.name:48} {cost.microseconds:8.1f} {cost.ratio:11.1f} {told:>10}")


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--record", is_flag=True, help="Write this run's ratios to bench/baseline.json.")
@click.option("--rounds", default=ROUNDS, show_default=True)
def main(record: bool, rounds: int) -> None:
    print(rig.machine())
    baselines: dict[str, dict[str, float]] = json.loads(BASELINE.read_text())
    verdicts = judge(measure(paths(), rounds=rounds), baselines.get(version(), {}))
    show(verdicts)
    if record:
        baselines[version()] = {one.cost.name: round(one.cost.ratio, 2) for one in verdicts}
        BASELINE.write_text(json.dumps(baselines, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        return
    lost = [one.cost.name for one in verdicts if one.lost]
    if lost:
        sys.exit(f"more than {BOUND} times what bench/baseline.json has: {'; '.join(lost)}")
    if version() not in baselines:
        print(f"nothing on record for Python {version()}: nothing was judged")


if __name__ == "__main__":
    main()
