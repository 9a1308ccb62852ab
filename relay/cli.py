"""The relay's command line."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from common import logs
from common.address import Address
from common.options import COMMON, Decorator, all_of, option
from relay.settings import DEFAULT_PORT, Settings, parse_intake, parse_labels

DEFAULT_HOST = "127.0.0.1"

OPTIONS: list[Decorator] = [
    option(
        "--intake",
        metavar="HOST:PORT",
        default=None,
        show_default=f"$EBPF_NET_INTAKE_HOST:$EBPF_NET_INTAKE_PORT, else {DEFAULT_HOST}:{DEFAULT_PORT}",
        help="The reducer: a DNS name, an IPv4 address, or an IPv6 address in brackets.",
    ),
    option(
        "--label",
        "labels",
        metavar="KEY=VALUE",
        multiple=True,
        help="A label for the reducer, such as cluster=production; may be given many times (the variable: separated by spaces).",
    ),
    option(
        "--hostname",
        default=None,
        show_default="this machine's",
        help="The name that the reducer knows this collector by.",
    ),
]


def settings_of(
    *,
    run_dir: Path,
    admin: str,
    intake: str | None,
    labels: Sequence[str],
    hostname: str | None,
    environ: Mapping[str, str] = os.environ,
    **_others: Any,  # noqa: ANN401 (`podwire up` has all stages' options on one command)
) -> Settings:
    """Settings of options' values. Raises UsageError for a value that cannot be understood."""
    return Settings(
        run_dir=run_dir,
        admin=admin,
        intake=parse_intake(intake, option="--intake") if intake is not None else _intake_of(environ),
        labels=parse_labels(labels, option="--label"),
        hostname=hostname or socket.gethostname(),
    )


def _intake_of(environ: Mapping[str, str]) -> Address:
    """The reducer by the variables of opentelemetry-network's collectors."""
    host = environ.get("EBPF_NET_INTAKE_HOST") or DEFAULT_HOST
    port = environ.get("EBPF_NET_INTAKE_PORT") or str(DEFAULT_PORT)
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return parse_intake(f"{bracketed}:{port}", option="EBPF_NET_INTAKE_HOST and EBPF_NET_INTAKE_PORT")


@click.command()
@all_of([*COMMON, *OPTIONS])
def command(**options: Any) -> None:  # noqa: ANN401 (click's values)
    """Deliver emissions of the matcher to a reducer."""
    logs.configure(format_=options["log_format"], level=options["log_level"])
    settings = settings_of(**options)
    from relay.main import run

    run(settings)
