"""`podwire check`: which probes there are for a pipeline of these settings, and their findings as they come."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

import matcher.cli
import relay.cli
import watcher.cli
from common.config import own_of
from common.options import all_of, option
from common.records import KINDS, Kind
from common.sectioned import SectionedCommand
from common.transport import IPC
from podwire import stages
from podwire.check.apart import probe_keys, probe_peers
from podwire.check.api import Api
from podwire.check.findings import Finding, as_json, shown
from podwire.check.intake import probe_intake
from podwire.check.lists import probe_list, probe_streaming
from podwire.check.place import probe_run_dir, probe_stages
from podwire.check.probe import findings_of
from podwire.check.rights import probe_rights
from podwire.check.server import probe_server, read_server
from podwire.up import ALL
from watcher.credentials import Server
from watcher.settings import Settings

Values = Mapping[str, Mapping[str, Any]]
"""Each stage's option values."""


@click.command("check", cls=SectionedCommand)
@all_of([option("--json", "as_json_", is_flag=True, help="All findings as one JSON object."), *ALL])
@click.pass_context
def command(context: click.Context, /, as_json_: bool, **options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Look for what would keep podwire from working, and say what to do about it: kubeconfig, API server, rights, streaming lists,
    the reducer, the run directory, the stages that run. Takes the options of `podwire up`. Exits 1 when there is a problem.

    \b
    podwire check --kubeconfig ~/.kube/config --intake reducer.example:8000
    podwire check --config podwire.yaml
    podwire check --stage relay --keys /etc/podwire/keys    where only that runs
    podwire check --json | jq -r '.findings[].run // empty'
    """
    names = [name for name in stages.STAGES if name in (options["names"] or stages.STAGES)]
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
    def own(name: str) -> Mapping[str, Any]:
        return own_of(context, *name.split("-"))

    # All settings first: a mistake among them ends the command, as it would end `up`, before it has said anything.
    stages.programs(options, names, own=own)
    values = {name: stages.values_of(name, options, own) for name in names}
    yield from _of_machine(options["run_dir"], values)
    for settings, kinds in _watchers(values).items():
        yield from _of_cluster(settings, kinds)
    if "relay" in values:
        yield from findings_of("intake", partial(probe_intake, relay.cli.settings_of(**values["relay"])))


def _of_machine(run_dir: Path, values: Values) -> Iterator[Finding]:
    """Where the stages meet."""
    on_tcp = [name for name, of in values.items() if of["listen"] != IPC]
    keys = {name: of["keys_dir"] for name, of in values.items() if of["keys_dir"] is not None}
    peers = matcher.cli.settings_of(**values["matcher"]).peers if "matcher" in values else {}
    yield from findings_of("run-dir", partial(probe_run_dir, run_dir))
    yield from findings_of("stages", partial(probe_stages, run_dir, list(values), on_tcp=on_tcp))
    yield from findings_of("keys", partial(probe_keys, keys))
    yield from findings_of("peers", partial(probe_peers, peers))


def _watchers(values: Values) -> dict[Settings, list[Kind]]:
    """The kinds that are watched with the same settings, as far as the API server is concerned."""
    found: dict[Settings, list[Kind]] = {}
    for kind in KINDS:
        if of := values.get(f"watcher-{kind}"):
            alike = {
                "kind": "pods",
                "admin": "off",
                "listen": IPC,
                "keys_dir": None,
                "record_updates": None,
                "anonymize": False,
            }
            found.setdefault(watcher.cli.settings_of(**{**of, **alike}), []).append(kind)
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
