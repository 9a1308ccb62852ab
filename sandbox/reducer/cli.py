"""The command line of the reference reducer."""

import asyncio
import ssl
from pathlib import Path

import click

from common.address import parse_address
from common.errors import UsageError
from sandbox.reducer.secure import server_context
from sandbox.reducer.serve import Reducer, run_until_stopped, write_addresses

_FILE = click.Path(path_type=Path, dir_okay=False)


def _tls(cert: Path | None, key: Path | None, client_ca: Path | None) -> ssl.SSLContext | None:
    if cert is not None and key is not None:
        return server_context(cert, key, client_ca=client_ca)
    if cert or key or client_ca:
        raise UsageError("--tls-cert and --tls-key belong together, and --tls-client-ca needs both")
    return None


@click.command("reducer")
@click.option(
    "--listen", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT", help="Where collectors connect to."
)
@click.option("--admin", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where the HTTP is.")
@click.option(
    "--record", type=click.Path(path_type=Path, dir_okay=False), help="Record what comes, as a msgpack stream."
)
@click.option(
    "--address-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write both addresses and the PID here as JSON once it listens.",
)
@click.option(
    "--receive-buffer",
    type=click.IntRange(min=1),
    metavar="BYTES",
    help="SO_RCVBUF of each connection: with a small one a stalled reducer is felt early. The kernel's default otherwise.",
)
@click.option(
    "--arrivals",
    type=click.IntRange(min=0),
    metavar="N",
    default=100_000,
    show_default=True,
    help="Newest arrivals that /arrivals keeps.",
)
@click.option("--tls-cert", type=_FILE, metavar="FILE", help="Certificate, PEM with its chain: TLS is spoken with it.")
@click.option("--tls-key", type=_FILE, metavar="FILE", help="Its private key, PEM.")
@click.option(
    "--tls-client-ca", type=_FILE, metavar="FILE", help="Every client has to show a certificate of these CAs."
)
def command(
    *,
    listen: str,
    admin: str,
    record: Path | None,
    address_file: Path | None,
    receive_buffer: int | None,
    arrivals: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
) -> None:
    """Run a reducer that takes podwire's stream strictly, checks what podwire promises, and shows it over HTTP.

    \b
    podwire sandbox reducer --listen 127.0.0.1:8000 --admin 127.0.0.1:8001
    curl -s 127.0.0.1:8001/state
    """

    async def run() -> None:
        reducer = Reducer(
            listen=parse_address(listen, option="--listen"),
            admin=parse_address(admin, option="--admin"),
            receive_buffer_bytes=receive_buffer,
            kept_arrivals=arrivals,
            tls=_tls(tls_cert, tls_key, tls_client_ca),
        )
        reducer.intake.record(record)

        def started() -> None:
            if address_file is not None:
                write_addresses(address_file, reducer)
            click.echo(f"reducer: intake {reducer.address}, admin http://{reducer.admin_address}")

        await run_until_stopped(reducer, started)

    asyncio.run(run())
