"""A supervisor of toy programs in place of the stages: `python -m tests.fakes.toys RUN_DIR NAME...`.

Each program claims its place as a stage does and then does what its name says until it is told to end.
"""

import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from common import logs, place
from common.entry import run_command
from common.errors import UsageError
from podwire.children import Program
from podwire.supervisor import Plan, Supervisor


def steady(run_dir: Path) -> None:
    """Runs until SIGTERM, as a stage does."""
    with place.claim(run_dir, "steady"):
        signal.sigwait({signal.SIGTERM})


def other(run_dir: Path) -> None:
    """A second steady one."""
    with place.claim(run_dir, "other"):
        signal.pause()


def deaf(run_dir: Path) -> None:
    """Hears nothing but SIGKILL."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with place.claim(run_dir, "deaf"):
        while True:
            time.sleep(60)


def picky(_run_dir: Path) -> None:
    """Refuses to start."""
    raise UsageError("no such context: moon; name one of the kubeconfig's contexts")


def faulty(run_dir: Path) -> None:
    """Fails at once in its first life."""
    with place.claim(run_dir, "faulty"):
        once = run_dir / "faulty.once"
        if not once.exists():
            once.touch()
            raise ZeroDivisionError("a fault of the program")
        signal.pause()


TOYS: dict[str, Callable[[Path], None]] = {toy.__name__: toy for toy in (steady, other, deaf, picky, faulty)}


@click.command()
@click.option("--for", "for_seconds", type=float, default=None)
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.argument("names", nargs=-1)
def command(run_dir: Path, names: tuple[str, ...], for_seconds: float | None) -> None:
    """Supervises the named toys."""
    logs.configure(format_="text", level="info")
    programs = tuple(Program(name=name, run=partial(TOYS[name], run_dir)) for name in names)
    plan = Plan(run_dir=run_dir, programs=programs, for_seconds=for_seconds, before_end=lambda: click.echo("a summary"))
    sys.exit(Supervisor(plan).run())


if __name__ == "__main__":
    run_command(command, name="toys")
