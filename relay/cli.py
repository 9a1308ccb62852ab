"""The relay's command line."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from common import logs
from common.config import Setting
from common.errors import UsageError
from common.keeping import checked_path
from common.options import COMMON, Decorator, all_of, in_section, option
from common.transport import parse_listen
from relay.settings import DEFAULT_PORT, Settings, parse_intake, parse_labels
from relay.tls import Tls

DEFAULT_HOST = "127.0.0.1"


def intake_of(environ: Mapping[str, str]) -> str | None:
    """The reducer by podwire's variable, else by those of opentelemetry-network's collectors, each of which may stand alone."""
    if intake := environ.get("PODWIRE_INTAKE"):
        return intake
    host, port = environ.get("EBPF_NET_INTAKE_HOST"), environ.get("EBPF_NET_INTAKE_PORT")
    if not (host or port):
        return None
    host = host or DEFAULT_HOST
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{bracketed}:{port or DEFAULT_PORT}"


class _Intake(Setting):
    """Two variables make one value."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:  # noqa: ARG002 (click's signature)
        return intake_of(os.environ)


def _file(name: str, what: str) -> Decorator:
    return option(
        name,
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        metavar="FILE",
        show_default=False,
        help=what,
    )


OPTIONS: list[Decorator] = [
    option(
        "--intake",
        cls=_Intake,
        also=("EBPF_NET_INTAKE_HOST", "EBPF_NET_INTAKE_PORT"),
        metavar="HOST[:PORT]",
        default=f"{DEFAULT_HOST}:{DEFAULT_PORT}",
        help=f"The reducer: a DNS name, an IPv4 address, or an IPv6 address in brackets. Without a port: {DEFAULT_PORT}, "
        "where reducers listen.",
    ),
    option(
        "--intake-tls/--no-intake-tls",
        default=False,
        help="Speak TLS (1.2 or newer) to the reducer, and verify its certificate.",
    ),
    _file("--intake-ca", "PEM bundle of the CAs that the reducer's certificate may be of; without it the system's."),
    _file(
        "--intake-cert", "Client certificate for the reducer, PEM with its chain. Read anew at each attempt to connect."
    ),
    _file("--intake-key", "Its private key, PEM without a passphrase."),
    option(
        "--intake-server-name",
        metavar="NAME",
        default=None,
        show_default="the host of --intake",
        help="The name that the reducer's certificate has to be for.",
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
        metavar="NAME",
        default=None,
        show_default="this machine's",
        help="The name that the reducer knows this collector by.",
    ),
    _file(
        "--record",
        "Record what is sent to the reducer, as podwire decode and podwire replay read it; behind what the file holds already.",
    ),
    option(
        "--record-most",
        "record_most_mib",
        type=click.IntRange(min=1),
        default=1_024,
        metavar="MIB",
        help="The recording ends where the file would grow beyond this.",
    ),
]


def settings_of(
    *,
    run_dir: Path,
    admin: str,
    listen: str,
    keys_dir: Path | None,
    intake: str,
    labels: Sequence[str],
    hostname: str | None,
    intake_tls: bool,
    intake_ca: Path | None,
    intake_cert: Path | None,
    intake_key: Path | None,
    intake_server_name: str | None,
    record: Path | None = None,
    record_most_mib: int = 1_024,
    **_others: Any,  # noqa: ANN401 (`podwire up` has all stages' options on one command)
) -> Settings:
    """Settings of options' values. Raises UsageError for a value that cannot be understood."""
    address = parse_intake(intake, option="--intake")
    if not intake_tls and (intake_ca or intake_cert or intake_key or intake_server_name):
        raise UsageError("--intake-tls is not given, and what is given beside it would do nothing: give it too")
    if (intake_cert is None) != (intake_key is None):
        raise UsageError("--intake-cert and --intake-key belong together: give both")
    # The dot that keeps a resolver from trying its search domains is in no certificate, and not to be in SNI (RFC 6066, 3).
    server_name = intake_server_name or address.host.removesuffix(".")
    tls = Tls(ca=intake_ca, cert=intake_cert, key=intake_key, server_name=server_name)
    return Settings(
        run_dir=run_dir,
        admin=admin,
        listen=parse_listen(listen, option="--listen"),
        keys_dir=keys_dir,
        intake=address,
        tls=tls if intake_tls else None,
        labels=parse_labels(labels, option="--label"),
        hostname=hostname or socket.gethostname(),
        record=checked_path(record, option="--record"),
        record_most_bytes=record_most_mib << 20,
    )


@click.command("relay")
@all_of(COMMON + in_section("relay", OPTIONS))
def command(**options: Any) -> None:  # noqa: ANN401 (click's values)
    """Deliver to a reducer what the matcher emits, over one connection that is made again whenever it is lost.

    \b
    podwire relay --intake reducer.example:8000 --label cluster=production
    podwire relay --intake reducer.example:8000 --record upstream.rec
    """
    logs.configure(format_=options["log_format"], level=options["log_level"])
    settings = settings_of(**options)
    from relay.main import run

    run(settings)
