"""Names that say nothing, in place of those of a cluster: the same one for the same name, by a keyed hash.

Names of pods, namespaces, containers, images and owners are replaced, and kinds and API groups of owners that are not Kubernetes' own: a
group is a domain, and may be somebody's. UIDs, addresses and container IDs stay: without them there would be nothing left to join.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from common.errors import UsageError
from common.messages import Apply, Event, Updates
from common.records import (
    BAD_RECORD,
    Container,
    Controller,
    OwnerRecord,
    PodRecord,
    Record,
    pack_record,
    unpack_owner,
    unpack_pod,
)

KEY_FILE: Final = "anonymize.key"
"""In the run directory: all of its watchers, in all of their lives, hash alike. Whoever has it can try names out, so it goes nowhere."""

_KEY_BYTES: Final = 32
_DIGITS: Final = 12
"""48 bits: of a million names, two are the same with a chance of one in 500."""


def key_of(run_dir: Path) -> bytes:
    """The key of this run directory, made when there is none. Raises UsageError."""
    path = run_dir / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--anonymize: cannot keep a key in {path}: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise UsageError(f"--anonymize: {path} is no key; remove it, and another one is made")
    return key


def _make(path: Path) -> None:
    """In one step, or a watcher that starts at the same time might find half of it."""
    own = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
        with suppress(FileExistsError):  # another watcher was first
            path.hardlink_to(own)
    finally:
        own.unlink(missing_ok=True)


class Names:
    """Replaces names, by one key."""

    def __init__(self, key: bytes) -> None:
        self.of: Callable[[str], str] = lru_cache(16_384)(self._hashed)
        """The name to say for a name; none for none. It is a DNS label, as names of pods and namespaces are."""
        self._key = key

    def updates(self, message: Updates) -> Updates:
        """The same, of objects of other names. A record that cannot be read, and so not renamed, is left out."""
        events: list[Event] = []
        for event in message.events:
            if not isinstance(event, Apply):
                events.append(event)
                continue
            with suppress(*BAD_RECORD):
                events.append(Apply(pack_record(self._renamed(message, event.record))))
        return msgspec.structs.replace(message, events=events)

    def _renamed(self, message: Updates, record: Record) -> PodRecord | OwnerRecord:
        if message.kind != "pods":
            owner = unpack_owner(record)
            return msgspec.structs.replace(owner, controller=self._controller(owner.controller))
        pod = unpack_pod(record)
        return msgspec.structs.replace(
            pod,
            controller=self._controller(pod.controller),
            namespace=self.of(pod.namespace),
            name=self.of(pod.name),
            containers=[Container(one.kind, one.id, self.of(one.name), self.of(one.image)) for one in pod.containers],
        )

    def _controller(self, controller: Controller | None) -> Controller | None:
        if controller is None:
            return None
        renamed = msgspec.structs.replace(controller, name=self.of(controller.name))
        if "." not in controller.group or controller.group.endswith(".k8s.io"):
            return renamed
        return msgspec.structs.replace(renamed, kind=self.of(controller.kind), group=self.of(controller.group))

    def _hashed(self, name: str) -> str:
        if not name:
            return ""
        digest = blake2b(name.encode("utf-8", "surrogatepass"), key=self._key, digest_size=_DIGITS // 2)
        return f"n-{digest.hexdigest()}"
