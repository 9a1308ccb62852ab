"""`podwire up`: the whole pipeline under one supervisor, on a cluster or on the sandbox (`--demo`)."""

import sys
from pathlib import Path
from typing import Any

import click

from common import logs
from common.config import own_of
from common.errors import UsageError
from common.options import COMMON, Decorator, all_of, in_section, option
from common.sectioned import SectionedCommand
from podwire import stages
from podwire.supervisor import Plan, Supervisor
from watcher.cli import check_anonymize

OPTIONS: list[Decorator] = [
    option(
        "--stage",
        "names",
        type=click.Choice(stages.STAGES),
        metavar="STAGE",
        multiple=True,
        help=f"Run this stage only ({', '.join(stages.STAGES)}); may be given many times. The others are expected to run elsewhere.",
    ),
    option(
        "--for",
        "for_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=None,
        metavar="SECONDS",
        show_default=False,
        help="Run that long, print a summary, and exit 0.",
    ),
    option("--demo", is_flag=True, help="Run on a simulated cluster and a reference reducer, and show what flows."),
    option(
        "--demo-pods", type=click.IntRange(1, 200_000), metavar="N", default=500, help="Pods of the simulated cluster."
    ),
    option(
        "--demo-rate",
        type=click.FloatRange(0, 2_000),
        default=20.0,
        metavar="PER_SECOND",
        help="Changes of the simulated cluster's pods.",
    ),
    option(
        "--demo-seed",
        type=int,
        metavar="N",
        default=1,
        help="Seed of the simulated cluster: the same one, the same objects.",
    ),
]

ALL: list[Decorator] = [*in_section("up", OPTIONS), *COMMON, *stages.OPTIONS]
"""Everything that a whole pipeline can be told, for the tools that look at it as `up` would."""


@click.command("up", cls=SectionedCommand)
@all_of(ALL)
@click.pass_context
def command(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Run the whole pipeline: a watcher for each of pods, replicasets and jobs, the matcher and the relay, each started again when
    it ends.

    \b
    podwire up --kubeconfig ~/.kube/config --intake reducer.example:8000
    podwire up --config podwire.yaml
    podwire up --label cluster=shop      in a Pod: by its service account
    podwire up --stage watcher-pods      the others run in other containers
    podwire up --demo --for 15           nothing else is needed

    With --admin HOST:PORT and a port other than 0, watcher-pods takes PORT, watcher-replicasets PORT+1, watcher-jobs PORT+2,
    matcher PORT+3 and relay PORT+4. With --listen tcp://ADDRESS:PORT they take PORT, PORT+2, PORT+4 and relay PORT+8, each with the port
    after it; with --keys DIR each has its keys in DIR/STAGE.
    """
    logs.configure(format_=options["log_format"], level=options["log_level"])
    names = options["names"] or stages.STAGES
    if options["demo"]:
        if options["names"]:
            raise UsageError("--demo shows the whole pipeline: it does not go with --stage")
        from podwire.demo.run import run_demo

        given = context.get_parameter_source("run_dir") is not click.core.ParameterSource.DEFAULT
        sys.exit(run_demo(options, run_dir=options["run_dir"] if given else None))
    from podwire.status import print_status

    check_anonymize(options, *(own_of(context, *name.split("-")) for name in names))
    programs = stages.programs(options, names, own=lambda name: own_of(context, *name.split("-")))
    stages.preload(names)
    if any(name.startswith("watcher-") for name in names):
        stages.prepare_credentials(options)
    run_dir: Path = options["run_dir"]
    sys.exit(
        Supervisor(
            Plan(
                run_dir=run_dir,
                programs=programs,
                for_seconds=options["for_seconds"],
                before_end=lambda: print_status(run_dir),
            )
        ).run()
    )
