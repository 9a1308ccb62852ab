"""`python -m tests.simulation`: plays schedules, shows one, or makes a failing one small."""

import sys

import click

from tests.simulation.edges import simulated
from tests.simulation.script import Failed, play, script_of, shrink


@click.command()
@click.option("--seed", type=int, default=0, show_default=True, help="The schedule, or the first of several.")
@click.option("--schedules", type=int, default=1, show_default=True, help="How many, with the seeds from --seed on.")
@click.option("--steps", type=int, default=None, help="Steps of each schedule; by default as many as its seed says.")
@click.option("--trace", is_flag=True, help="Print every step and every move.")
@click.option(
    "--shrink", "shrinks", is_flag=True, help="Leave out of a failing schedule what its failure does not need."
)
def command(seed: int, schedules: int, steps: int | None, trace: bool, shrinks: bool) -> None:
    """Plays schedules of the simulated pipeline. Stops at the first that fails, with exit code 1."""
    say = click.echo if trace else None
    with simulated() as edges:
        for at in range(seed, seed + schedules):
            failed = play(script_of(at, steps=steps), edges, trace=say)
            if failed is not None:
                click.echo(f"seed {at} failed after {at - seed + 1} schedules: {told(failed)}")
                if shrinks:
                    small = shrink(failed, edges)
                    click.echo(f"smallest: {small.script}\n{told(small)}")
                sys.exit(1)
    click.echo(f"{schedules} schedules from seed {seed}: all hold")


def told(failed: Failed) -> str:
    """What went wrong, in a line."""
    return f"{type(failed.error).__name__}: {failed.error}"


if __name__ == "__main__":
    command()
