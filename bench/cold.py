"""What an idle moment makes of an event: the watcher's work for one, right behind another, after a wait in a loop, and after a sleep.

    python -m bench.cold [--wait-ms 5] [--events 1000]

The same code on the same bytes. What a sleep adds is what has to be fetched anew: a virtual machine's processor that sleeps is its host's.
"""

import gc
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice

import click

from bench import rig
from bench.hotpaths import events


def microseconds(wait: Callable[[], None], *, number: int) -> float:
    """The median time of an event, a wait before each."""
    times = []
    for event in islice(cycle(events()), number):
        wait()
        began = time.perf_counter()
        event()
        times.append(time.perf_counter() - began)
    return 1e6 * statistics.median(times)


def spin(seconds: float) -> None:
    """Waits without giving the processor away."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--wait-ms", default=5.0, show_default=True)
@click.option("--events", "number", default=1_000, show_default=True, help="Of each sort.")
def main(wait_ms: float, number: int) -> None:
    click.echo(rig.machine())
    gc.collect()
    gc.disable()
    ways: dict[str, Callable[[], None]] = {
        "right behind another": lambda: None,
        f"after {wait_ms:g} ms in a loop": lambda: spin(wait_ms / 1e3),
        f"after {wait_ms:g} ms of sleep": lambda: time.sleep(wait_ms / 1e3),
    }
    for name, wait in ways.items():
        click.echo(f"  {name:28} {microseconds(wait, number=number):7.1f} µs")


if __name__ == "__main__":
    main()
