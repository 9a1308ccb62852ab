"""`make chaos`: random faults against podwire, for minutes or hours."""

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from bench import rig
from tests.chaos.cluster import RealCluster
from tests.chaos.faults import CATALOGUE, Kind
from tests.chaos.plan import acts
from tests.chaos.play import Player
from tests.chaos.processes import STARTERS, Died
from tests.chaos.reducer import running_reducer
from tests.chaos.report import say, table
from tests.chaos.scene import Broken, Scene, on_sandbox

WAYS = {"up": ("up",), "hand": ("hand",), "both": tuple(STARTERS)}


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=5.0, show_default=True, help="How long."
)
@click.option("--seed", type=int, default=None, help="Which faults, in which order; without one, one is drawn.")
@click.option("--pods", type=click.IntRange(min=1), default=600, show_default=True, help="Pods of the sandbox.")
@click.option("--rate", type=click.FloatRange(min=0), default=100.0, show_default=True, help="Its pod events a second.")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Run on this cluster, which is only read; faults are then those that podwire and the reducer can have.",
)
@click.option(
    "--processes",
    "way",
    type=click.Choice(list(WAYS)),
    default="both",
    show_default=True,
    help="Who starts podwire: podwire up, five commands by hand, or each in turn.",
)
@click.option("--long", "long_scenarios", is_flag=True, help="Run the named scenarios that take ten minutes and more.")
def command(
    *, minutes: float, seed: int | None, pods: int, rate: float, kubeconfig: Path | None, way: str, long_scenarios: bool
) -> None:
    """Strikes podwire, its reducer and its API server with random faults while pods come and go. The reference reducer checks every
    promise as it is kept or broken; after each round podwire has to be in step in time, and exact while the cluster stands still.

    \b
    make chaos                                         five minutes
    make chaos ARGS='--minutes 60 --seed 7'            the same faults each time
    make chaos ARGS='--minutes 10 --processes hand'
    make chaos ARGS='--kubeconfig FILE --minutes 10'   on a real cluster
    make chaos ARGS=--long                             scenarios of ten minutes

    Exit code 0: all promises were kept. 1: one was not; where to look is said.
    """
    if long_scenarios:
        pytest = [sys.executable, "-m", "pytest", "-m", "long", "tests/e2e"]
        sys.exit(subprocess.run(pytest, cwd=rig.ROOT, check=False).returncode)
    drawn = random.randrange(1_000_000) if seed is None else seed
    directory = Path(tempfile.mkdtemp(prefix="podwire-chaos-"))
    where = f"cluster of {kubeconfig}" if kubeconfig else f"sandbox of {pods} pods, {rate:g} changes a second"
    say(f"chaos: seed {drawn}, {minutes:g} min, {where}")
    with _scene(directory, kubeconfig=kubeconfig, pods=pods, rate=rate, seed=drawn) as scene:
        catalogue = [kind for kind in CATALOGUE if not (kubeconfig and kind.sandbox_only)]
        player = Player(scene, seconds=60 * minutes)
        broken = _played(player, drawn, catalogue, WAYS[way])
    say()
    click.echo("\n".join([*table(player.recoveries), ""]))
    count = f"chaos: seed {drawn}, {player.faults} faults in {player.rounds} rounds"
    if broken is not None:
        say(f"{count}: FAILED\n{broken}\nlogs: {directory}")
        sys.exit(1)
    shutil.rmtree(directory)
    say(f"{count}: in step after each, no promise broken")


def _played(player: Player, seed: int, catalogue: Sequence[Kind], starters: Sequence[str]) -> str | None:
    """What was broken, in words, or None."""
    try:
        player.play(acts(seed, catalogue=catalogue, starters=starters))
    except (Broken, Died) as error:
        return str(error)
    return None


@contextmanager
def _scene(directory: Path, *, kubeconfig: Path | None, pods: int, rate: float, seed: int) -> Iterator[Scene]:
    if kubeconfig is None:
        with on_sandbox(directory, pods=pods, rate=rate, seed=seed) as scene:
            yield scene
        return
    with running_reducer(directory) as reducer:
        yield Scene(directory, cluster=RealCluster(kubeconfig), reducer=reducer)


if __name__ == "__main__":
    command(prog_name="make chaos")
