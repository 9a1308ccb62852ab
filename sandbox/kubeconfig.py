"""The kubeconfig that points clients at the sandbox."""

import os
import tempfile
from pathlib import Path

import yaml

NAME = "podwire-sandbox"


def write_kubeconfig(path: Path, *, server: str, token: str) -> None:
    """Writes the file whole or not at all (mode 0600): clients may read it at any moment, as when a token is rotated."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": NAME, "cluster": {"server": server}}],
        "users": [{"name": NAME, "user": {"token": token}}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file)
    Path(temporary).replace(path)
