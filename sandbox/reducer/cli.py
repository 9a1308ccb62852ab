"""The command line of the reference reducer."""

import asyncio
from pathlib import Path

import click

from common.address import parse_address
from sandbox.reducer.serve import Reducer, run_until_stopped, write_addresses


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
def command(
    *,
    listen: str,
    admin: str,
    record: Path | None,
    address_file: Path | None,
    receive_buffer: int | None,
    arrivals: int,
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
        )
        reducer.intake.record(record)

        def started() -> None:
            if address_file is not None:
                write_addresses(address_file, reducer)
            click.echo(f"reducer: intake {reducer.address}, admin http://{reducer.admin_address}")

        await run_until_stopped(reducer, started)

    asyncio.run(run())
