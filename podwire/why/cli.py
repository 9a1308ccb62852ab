"""The command line of `podwire why`."""

import json
import sys
from pathlib import Path

import click

from common.clock import wall_ns
from common.options import COMMON, all_of, option
from common.wanted import parse_wanted
from podwire.states import AT, echo_lines
from podwire.why.asked import ask_all
from podwire.why.missing import reasons
from podwire.why.words import all_lines


@click.command("why")
@click.argument("what", metavar="NAMESPACE/POD|UID|IP|CONTAINER-ID")
@all_of([*COMMON[:1], AT, option("--json", "as_json", is_flag=True, help="The answer as one JSON object.")])
def command(what: str, run_dir: Path, addresses: tuple[str, ...], as_json: bool) -> None:
    """Tell what the matcher knows of a pod: its record, its owner and how that is known, when it was sent last, and why it has not
    been. All pods that fit are shown. Where there is none, it says what could be the reason, and exits 1.

    A container ID may lack its scheme, and all but its first 12 digits.

    \b
    podwire why shop/web-7d4b9c6f5-x2x8k
    podwire why 10.42.0.17
    podwire why containerd://3f1a9c0e7b52
    podwire why --json shop/web-7d4b9c6f5-x2x8k | jq '.pods[].not_sent'
    """
    wanted = parse_wanted(what)
    asked = ask_all(what, run_dir=run_dir, addresses=addresses)
    found = bool(not isinstance(asked.matcher, str) and asked.matcher["pods"])
    missing = [] if found else reasons(wanted, asked)
    if as_json:
        answer = {} if isinstance(asked.matcher, str) else asked.matcher
        click.echo(json.dumps({**answer, "owners_seen": asked.owners, "reasons": missing}, indent=2))
    elif isinstance(asked.matcher, str) or missing:
        echo_lines([f"No pod is known as {what}:", *(f"  {reason}" for reason in missing)])
    else:
        echo_lines(all_lines(asked.matcher, owners=asked.owners, now=wall_ns() / 1e9))
    sys.exit(0 if found else 1)
