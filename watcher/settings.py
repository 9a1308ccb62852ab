"""What a watcher is told at its start."""

from pathlib import Path
from typing import Literal

import msgspec

from common.address import Address
from common.records import Kind
from watcher.states import Streaming

Encoding = Literal["protobuf", "json"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `podwire watch`, by their names."""

    kind: Kind
    run_dir: Path
    admin: str
    listen: Address | None
    """On TCP, and there on the port after it too; None: in the run directory."""
    keys_dir: Path | None
    kubeconfig: str | None
    """Path (or paths, as KUBECONFIG has them) of a kubeconfig; None: the service account of the Pod, else ~/.kube/config."""
    context: str | None
    namespaces: tuple[str, ...]
    """Empty: all."""
    label_selector: str | None
    field_selector: str | None
    encoding: Encoding
    streaming_lists: Streaming
    watch_silence_seconds: float
    record: Path | None = None
    """Where to record what is published."""
    record_most_bytes: int = 1 << 30
    anonymize: bool = False
    """Names are hashed in the recording."""
