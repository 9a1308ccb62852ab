"""`podwire check`: which probes there are for a pipeline of these settings, and their findings as they come."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import click

import relay.cli
import watcher.cli
from common.config import own_of
from common.options import all_of, option
from common.records import KINDS, Kind
from common.sectioned import SectionedCommand
from podwire.check.api import Api
from podwire.check.findings import Finding, as_json, shown
from podwire.check.intake import probe_intake
from podwire.check.lists import probe_list, probe_streaming
from podwire.check.place import probe_run_dir, probe_stages
from podwire.check.probe import findings_of
from podwire.check.rights import probe_rights
from podwire.check.server import probe_server, read_server
from podwire.stages import STAGES
from podwire.up import ALL
from watcher.credentials import Server
from watcher.settings import Settings


@click.command("check", cls=SectionedCommand)
@all_of([option("--json", "as_json_", is_flag=True, help="All findings as one JSON object."), *ALL])
@click.pass_context
def command(context: click.Context, /, as_json_: bool, **options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Look for what would keep podwire from working, and say what to do about it: kubeconfig, API server, rights, streaming lists,
    the reducer, the run directory, the stages that run. Takes the options of `podwire up`. Exits 1 when there is a problem.

    \b
    podwire check --kubeconfig ~/.kube/config --intake reducer.example:8000
    podwire check --config podwire.yaml
    podwire check --json | jq -r '.findings[].run // empty'
    """
    names = [name for name in STAGES if name in (options.get("names") or STAGES)]
    found = []
    for finding in _findings(context, names, options):
        found.append(finding)
        if not as_json_:
            _show(finding)
    if as_json_:
        click.echo(as_json(found))
    sys.exit(1 if any(one.level == "problem" for one in found) else 0)


def _show(finding: Finding) -> None:
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    click.echo(shown(finding, width=width, color=terminal and not os.environ.get("NO_COLOR")))
    sys.stdout.flush()


def _findings(context: click.Context, names: list[str], options: Mapping[str, Any]) -> Iterator[Finding]:
    run_dir = options["run_dir"]
    # All settings first: a mistake among them ends the command before it has said anything.
    watching = _watchers(context, names, options)
    relaying = relay.cli.settings_of(**{**options, **own_of(context, "relay")})
    yield from findings_of("run-dir", partial(probe_run_dir, run_dir))
    yield from findings_of("stages", partial(probe_stages, run_dir, names))
    for settings, kinds in watching.items():
        yield from _of_cluster(settings, kinds)
    if "relay" in names:
        yield from findings_of("intake", partial(probe_intake, relaying.intake))


def _watchers(context: click.Context, names: list[str], options: Mapping[str, Any]) -> dict[Settings, list[Kind]]:
    """The kinds that are watched with the same settings."""
    found: dict[Settings, list[Kind]] = {}
    for kind in KINDS:
        if f"watcher-{kind}" in names:
            own = own_of(context, "watcher", kind)
            # Where the admin HTTP listens makes no difference here.
            settings = watcher.cli.settings_of(**{**options, **own, "kind": "pods", "admin": "off"})
            found.setdefault(settings, []).append(kind)
    return found


def _of_cluster(settings: Settings, kinds: list[Kind]) -> Iterator[Finding]:
    servers: list[Server] = []

    def probe_kubeconfig() -> list[Finding]:
        server, finding = read_server(settings)
        servers.extend([server] if server else [])
        return [finding]

    yield from findings_of("kubeconfig", probe_kubeconfig)
    if not servers:
        return
    api = Api(servers[0])
    reached = findings_of("server", partial(probe_server, api))
    yield from reached
    if any(one.level == "problem" for one in reached):
        return
    yield from findings_of("rights", partial(probe_rights, api, kinds, settings.namespaces))
    if "pods" in kinds:
        yield from findings_of("list", partial(probe_list, api, settings))
        yield from findings_of("streaming", partial(probe_streaming, api, settings))
