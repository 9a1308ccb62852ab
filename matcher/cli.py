"""The command line of the matcher."""

from pathlib import Path
from typing import Any

import click

from common import logs
from common.address import Address
from common.options import COMMON, Decorator, all_of, in_section, option
from common.transport import IPC, parse_endpoint
from matcher.peers import PEERS
from matcher.settings import Settings

OPTIONS: list[Decorator] = [
    option(
        "--owner-wait",
        "owner_wait_seconds",
        type=click.FloatRange(min=0),
        default=30.0,
        metavar="SECONDS",
        help="How long a pod waits for its ReplicaSet or Job to be seen before it goes out with that as its owner; 0 waits for ever.",
    ),
    option(
        "--max-waiting",
        type=click.IntRange(min=1),
        default=10_000,
        metavar="N",
        help="When more pods wait for their owners, everything is read afresh once, and none of them waits any longer.",
    ),
    option(
        "--ip-family",
        type=click.Choice(["ipv4", "primary"]),
        default="ipv4",
        help="Which of a pod's addresses is sent: its first IPv4 one, or status.podIP whatever it is (IPv6 is sent as 0.0.0.0).",
    ),
    option(
        "--climb/--no-climb",
        default=False,
        help="Where something else than a Deployment or CronJob controls a ReplicaSet or Job, name that as the owner.",
    ),
    *(
        option(
            f"--{stage}",
            default=IPC,
            metavar="ipc|tcp://HOST:PORT",
            help=f"Where {stage} listens: in the run directory, or at PORT and PORT+1 of a host.",
        )
        for stage in PEERS
    ),
]


def settings_of(**options: Any) -> Settings:  # noqa: ANN401 (click's own values)
    """Settings of the options' values."""
    return Settings(
        run_dir=Path(options["run_dir"]),
        admin=options["admin"],
        peers={stage: address for stage in PEERS if (address := _peer(options, stage)) is not None},
        keys_dir=options["keys_dir"],
        owner_wait_seconds=options["owner_wait_seconds"],
        max_waiting=options["max_waiting"],
        ip_family=options["ip_family"],
        climb=options["climb"],
    )


def _peer(options: dict[str, Any], stage: str) -> Address | None:
    return parse_endpoint(options[stage.replace("-", "_")], option=f"--{stage}")


@click.command("match")
@all_of(COMMON + in_section("matcher", OPTIONS))
def command(**options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Join pods with their owners and tell the relay what the reducer must hear.

    SIGUSR1 makes it send everything again, as a new epoch.

    \b
    podwire match --owner-wait 60
    kill -USR1 "$(cat RUN_DIR/matcher.pid)"
    """
    from matcher.main import run

    logs.configure(format_=options["log_format"], level=options["log_level"])
    run(settings_of(**options))
