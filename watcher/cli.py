"""The command line of the watcher."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from common import logs
from common.errors import UsageError
from common.keeping import checked_path
from common.options import COMMON, Decorator, all_of, in_section, option
from common.records import KINDS, Kind
from common.transport import parse_listen
from watcher.settings import Settings

NAMESPACE = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""An RFC 1123 label, as namespaces' names are; they become part of a path."""

_OPTIONS: list[Decorator] = [
    option(
        "--kubeconfig",
        also=("KUBECONFIG",),
        type=click.Path(dir_okay=False),
        metavar="FILE",
        default=None,
        help="Kubeconfig. Without one: the service account in a Pod, else ~/.kube/config.",
        show_default=False,
    ),
    option(
        "--context",
        metavar="NAME",
        default=None,
        help="Context of the kubeconfig instead of its current one.",
        show_default=False,
    ),
    option(
        "--namespace",
        "namespaces",
        metavar="NAME",
        multiple=True,
        help="Watch this namespace only; may be given many times. Roles are enough then, no ClusterRole is needed.",
    ),
    option(
        "--label-selector",
        metavar="SELECTOR",
        default=None,
        help="Only pods with these labels, as kubectl's -l.",
        show_default=False,
    ),
    option(
        "--field-selector",
        metavar="SELECTOR",
        default=None,
        help="Only pods with these fields, such as spec.nodeName=n1.",
        show_default=False,
    ),
    option(
        "--encoding",
        type=click.Choice(["protobuf", "json"]),
        default="protobuf",
        help="What the API server is asked for first; JSON is taken from a server that has nothing else.",
    ),
    option(
        "--streaming-lists",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        help="Streaming lists where the server has them; auto takes them in protobuf only.",
    ),
    option(
        "--watch-silence",
        "watch_silence_seconds",
        type=click.FloatRange(min=1),
        default=150.0,
        metavar="SECONDS",
        help="A watch without any byte for so long is opened again, and taken for dead if the server was asked to end it before.",
    ),
    option(
        "--record-updates-most",
        "record_updates_most_mib",
        type=click.IntRange(min=1),
        default=1_024,
        metavar="MIB",
        help="The recording of updates ends where the file would grow beyond this.",
    ),
    option(
        "--anonymize",
        is_flag=True,
        help="Hash names in the recording of updates, by a key that stays in the run directory.",
    ),
]


def _record_option(*names: str) -> Decorator:
    return option(
        *names,
        "record_updates",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        default=None,
        show_default=False,
        help="Record what is published, as podwire replay --to matcher plays it; behind what the file holds already.",
    )


OPTIONS: Final = [*_OPTIONS, _record_option("--record-updates")]
"""What a watcher can be told beside the other stages, where --record is the relay's."""

_ALONE: Final = [*_OPTIONS, _record_option("--record", "--record-updates")]


def settings_of(**options: Any) -> Settings:  # noqa: ANN401 (click's own values)
    """Settings of the options' values. Raises UsageError for those that do not fit."""
    for namespace in options["namespaces"]:
        if not NAMESPACE.fullmatch(namespace):
            raise UsageError(f"--namespace: {namespace!r} is no name of a namespace (small letters, digits and '-')")
    return Settings(
        kind=options["kind"],
        run_dir=Path(options["run_dir"]),
        admin=options["admin"],
        listen=parse_listen(options["listen"], option="--listen"),
        keys_dir=options["keys_dir"],
        kubeconfig=options["kubeconfig"],
        context=options["context"],
        namespaces=tuple(dict.fromkeys(options["namespaces"])),
        label_selector=options["label_selector"],
        field_selector=options["field_selector"],
        encoding=options["encoding"],
        streaming_lists=options["streaming_lists"],
        watch_silence_seconds=options["watch_silence_seconds"],
        record=_checked_record(options["record_updates"], hashed=options["anonymize"]),
        record_most_bytes=options["record_updates_most_mib"] << 20,
        anonymize=options["anonymize"],
    )


def _checked_record(path: Path | None, *, hashed: bool) -> Path | None:
    checked = checked_path(path, option="--record-updates")
    if checked is not None:
        from watcher.record import check  # few record

        check(checked, hashed=hashed)
    return checked


def check_anonymize(options: Mapping[str, Any], *own: Mapping[str, Any]) -> None:
    """Raises UsageError where names are to be hashed in nothing; `own` are options of single watchers."""
    if options["anonymize"] and not any(one.get("record_updates") for one in (options, *own)):
        raise UsageError("--anonymize is for a recording of updates: name its file with --record-updates")


@click.command("watch")
@click.argument("kind", type=click.Choice(KINDS))
@all_of(COMMON + in_section("watcher", _ALONE))
def command(kind: Kind, **options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Follow one kind of the API server's resources and publish what changes.

    \b
    podwire watch pods --kubeconfig ~/.kube/config
    podwire watch replicasets --namespace shop --namespace billing
    podwire watch pods --record updates.rec --anonymize
    """
    from watcher.main import run

    check_anonymize(options)
    logs.configure(format_=options["log_format"], level=options["log_level"])
    run(settings_of(kind=kind, **options))
