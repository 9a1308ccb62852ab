"""`python -m tests.simulation.mutants`: puts faults into copies of podwire and sees that the simulation finds each.

A mutant is an edit of the sources' text, made in a temporary copy of the tree and never in place. Text that is not found, or found
twice, is an error: the mutant has to follow the code. Exit code 1 if one survives.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import click

from tests.simulation.mutation import Mutant
from tests.simulation.mutations import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("common", "watcher", "matcher", "relay", "sandbox", "tests/simulation")
SURVIVED = "all hold"


class NotFound(Exception):
    """A mutant's old text does not stand in its file exactly once."""


@click.command()
@click.option("--schedules", default=5_000, show_default=True, help="So many are played against each mutant, at most.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Mutants tried at a time.")
@click.option("--only", default="", help="Mutants with this in their name.")
def command(schedules: int, jobs: int, only: str) -> None:
    """Prints how many schedules it took to find each mutant, and what they found."""
    wanted = [mutant for mutant in MUTANTS if only in mutant.name]
    survivors = 0
    with ThreadPoolExecutor(jobs) as pool:
        for mutant, verdict in zip(wanted, pool.map(partial(try_, schedules=schedules), wanted), strict=True):
            survivors += verdict.endswith(SURVIVED)
            click.echo(f"{mutant.name:62} {verdict}")
    click.echo(f"{len(wanted)} mutants, {survivors} survived")
    sys.exit(1 if survivors else 0)


def try_(mutant: Mutant, *, schedules: int) -> str:
    """What the simulation says of a copy with this mutant, in a line."""
    with tempfile.TemporaryDirectory(prefix="podwire-mutant-") as name:
        copy = Path(name)
        for part in PARTS:
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        apply(mutant, copy)
        played = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--schedules", str(schedules)],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = played.stdout.splitlines()
    if played.returncode not in (0, 1) or not lines:
        raise RuntimeError(f"{mutant.name}: the simulation did not run: {played.stderr[-2_000:]}")
    return lines[-1][:150]


def apply(mutant: Mutant, tree: Path) -> None:
    """Edits the tree. Raises NotFound."""
    for edit in mutant.edits:
        path = tree / edit.file
        text = path.read_text("utf-8")
        if text.count(edit.old) != 1:
            raise NotFound(f"{mutant.name}: {text.count(edit.old)} times in {edit.file}: {edit.old!r}")
        path.write_text(text.replace(edit.old, edit.new), "utf-8")


if __name__ == "__main__":
    command()
