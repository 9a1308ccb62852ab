"""`podwire keys`: makes the CURVE keys of all stages, as directories or as the Secrets that hold the same files.

Each stage gets its own secret key and the public keys of those that it talks to, so that who reads one stage's Secret can pass for
that stage only. Nothing is ever overwritten: keys that are in use would be lost.
"""

import base64
from collections.abc import Mapping
from pathlib import Path

import click
import yaml

from common.errors import UsageError
from common.keys import PARTNERS, KeyPair, new_pair

Files = Mapping[str, bytes]
"""A stage's directory: contents by name."""


def make_files() -> dict[str, Files]:
    """New keys: the files of each stage."""
    pairs = {stage: new_pair() for stage in PARTNERS}
    return {stage: _files(stage, pairs) for stage in PARTNERS}


def _files(stage: str, pairs: Mapping[str, KeyPair]) -> Files:
    others = {f"{other}.pub": pairs[other].public + b"\n" for other in PARTNERS[stage]}
    return {f"{stage}.key": pairs[stage].secret + b"\n", **others}


def write_files(directory: Path, stages: Mapping[str, Files]) -> None:
    """One directory (mode 0700) below this for each stage, with its files (0600). Raises UsageError, and then writes nothing more."""
    for stage in stages:
        if (directory / stage).exists():
            raise UsageError(
                f"{directory / stage} is there already, and keys in use are never overwritten; choose another DIR"
            )
    try:
        for stage, files in stages.items():
            (directory / stage).mkdir(mode=0o700, parents=True)
            for name, content in files.items():
                path = directory / stage / name
                path.touch(mode=0o600, exist_ok=False)
                path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or directory}: {error.strerror}; choose another DIR") from error


def manifest(stages: Mapping[str, Files], *, namespace: str | None) -> str:
    """A Secret for each stage, as YAML documents for kubectl."""
    return yaml.safe_dump_all(
        [_secret(stage, files, namespace) for stage, files in stages.items()], explicit_start=True, sort_keys=False
    )


def _secret(stage: str, files: Files, namespace: str | None) -> dict[str, object]:
    labels = {"app.kubernetes.io/name": "podwire", "app.kubernetes.io/component": stage}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": f"podwire-keys-{stage}",
            **({"namespace": namespace} if namespace else {}),
            "labels": labels,
        },
        "type": "Opaque",
        "data": {name: base64.b64encode(content).decode("ascii") for name, content in files.items()},
    }


@click.command("keys")
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--secret-manifest", is_flag=True, help="Print a Secret for each stage, for kubectl.")
@click.option("--namespace", default=None, metavar="NAME", help="Namespace of the Secrets; without it, kubectl's.")
def command(directory: Path | None, secret_manifest: bool, namespace: str | None) -> None:
    """Make the CURVE keys with which stages that are apart (tcp://) know each other.

    \b
    podwire keys DIR                 DIR/STAGE is that stage's --keys
    podwire keys --secret-manifest   Secrets podwire-keys-STAGE for kubectl

    Each stage's part holds its own secret key and the public ones of those that it talks to. To rotate keys, make new ones and start
    the stages anew.
    """
    if directory is None and not secret_manifest:
        raise UsageError("say where the keys shall go: a directory, --secret-manifest, or both")
    if namespace is not None and not secret_manifest:
        raise UsageError("--namespace is for Secrets: give --secret-manifest too")
    stages = make_files()
    if directory is not None:
        write_files(directory, stages)
    if secret_manifest:
        click.echo(manifest(stages, namespace=namespace), nl=False)
