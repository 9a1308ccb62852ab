"""The manifests of deploy/ as kustomize renders them."""

import subprocess
from typing import Any

import yaml

from bench import rig

DEPLOY = rig.ROOT / "deploy"

Manifest = dict[str, Any]


def rendered_text(directory: str) -> str:
    """What `kubectl apply -k deploy/DIRECTORY` would send."""
    done = subprocess.run(["kubectl", "kustomize", DEPLOY / directory], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rendered(directory: str) -> list[Manifest]:
    """The same, read."""
    return [one for one in yaml.safe_load_all(rendered_text(directory)) if one]


def only(manifests: list[Manifest], kind: str) -> Manifest:
    """The one of this kind."""
    (found,) = [one for one in manifests if one["kind"] == kind]
    return found
