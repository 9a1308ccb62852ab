"""Groups of pods that share a template and a controller, and the list of work that is still to be done to them."""

from dataclasses import dataclass, field
from enum import Enum

import msgspec

from sandbox.lives import Step
from sandbox.resources import Resource
from sandbox.shapes import Template


class GroupKind(Enum):
    """What stands behind the pods, and so how they are replaced."""

    DEPLOYMENT = "deployment"
    """A ReplicaSet of a Deployment: rolls to a new one."""
    STATEFUL = "stateful"
    """A pod comes back under the same name, with a new UID."""
    DAEMON = "daemon"
    JOB = "job"
    """Its pods finish; it is removed some time later."""
    BARE = "bare"
    ORPHAN = "orphan"
    """A ReplicaSet that nobody controls: it is deleted without its pods now and then, and another one adopts them."""
    FOREIGN = "foreign"
    """A ReplicaSet under a controller of another API group."""


@dataclass(kw_only=True)
class Group:
    """Pods of one owner."""

    kind: GroupKind
    template: Template
    owner: tuple[Resource, str] | None
    """The owner's resource and key, where there is one."""
    pods: list[str] = field(default_factory=list)
    """Keys of pods, some of which may be gone."""
    app: str = ""
    above: dict[str, object] | None = None
    """The reference to the owner's own controller, for the next owner."""
    release: int = 1


class Create(msgspec.Struct, frozen=True):
    """A pod is to be made; empty name for a generated one."""

    group: Group
    name: str = ""


class Live(msgspec.Struct, frozen=True):
    """A pod is to take a step."""

    group: Group
    key: str
    uid: str
    step: Step


class Own(msgspec.Struct, frozen=True):
    """A pod is to carry its group's owner, or none where the group has none."""

    group: Group
    key: str
    uid: str


Work = Create | Live | Own
