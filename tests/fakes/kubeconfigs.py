"""Kubeconfigs for tests, and what a user is told of one."""

from pathlib import Path

import pytest
import yaml

from common.errors import UsageError
from watcher.credentials import read

SECRET = "TOP-SECRET"


def no_proxies_and_no_pod(monkeypatch: pytest.MonkeyPatch, nowhere: Path) -> None:
    """Takes away what this machine's environment would add."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("watcher.plain.SERVICE_ACCOUNT", nowhere)


def kubeconfig(folder: Path, *, user: dict[str, object] | None = None, **cluster: object) -> str:
    """A kubeconfig with one context."""
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": "http://api.example:8001", **cluster}}],
        "users": [{"name": "u", "user": {"token": SECRET} if user is None else user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(text))
    return str(path)


def refusal(path: str | None, *, context: str | None = None) -> str:
    """What the user is told; nothing of it may be secret."""
    with pytest.raises(UsageError) as caught:
        read(kubeconfig=path, context=context)
    assert SECRET not in str(caught.value)
    return str(caught.value)
