"""Which objects a request is about: namespace, label selector, field selector (Kubernetes, "Labels and Selectors", "Field Selectors").

Matching is pure and asks only what a `Stored` carries beside its text.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from sandbox.resources import PODS, Resource
from sandbox.statuses import bad_request
from sandbox.tables import Stored

_KEY: Final = r"([A-Za-z0-9](?:[\w.\-/]*[A-Za-z0-9])?)"
_VALUE: Final = r"([\w.\-]*)"
_SET: Final = re.compile(rf"{_KEY}\s+(in|notin)\s+\(([^()]*)\)")
_COMPARISON: Final = re.compile(rf"{_KEY}\s*(==|=|!=|>|<)\s*{_VALUE}")
_EXISTENCE: Final = re.compile(rf"(!?)\s*{_KEY}")
_COMMA_OUTSIDE_PARENTHESES: Final = re.compile(r",(?![^(]*\))")
_FIELD: Final = re.compile(r"([^=!]+)(==|=|!=)(.*)")

Labels = Mapping[str, str]
_POD_FIELDS: Final[dict[str, Callable[[Stored], str]]] = {
    "spec.nodeName": lambda stored: stored.node,
    "status.phase": lambda stored: stored.phase,
    "status.podIP": lambda stored: stored.ip,
}
_COMMON_FIELDS: Final[dict[str, Callable[[Stored], str]]] = {
    "metadata.name": lambda stored: stored.name,
    "metadata.namespace": lambda stored: stored.namespace,
}


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What a list or a watch asks for."""

    namespace: str = ""
    """Empty for all."""
    labels: tuple[Callable[[Labels], bool], ...] = ()
    fields: tuple[Callable[[Stored], bool], ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether it leaves out objects of its namespace. Real servers count remaining items only where it does not."""
        return bool(self.labels or self.fields)

    def picks(self, stored: Stored) -> bool:
        """Whether an object is asked for."""
        return (
            (not self.namespace or stored.namespace == self.namespace)
            and all(wanted(stored.labels) for wanted in self.labels)
            and all(wanted(stored) for wanted in self.fields)
        )


def select(resource: Resource, *, namespace: str, name: str, labels: str, fields: str) -> Selection:
    """The selection that a request's path and parameters make. Raises ApiError (400)."""
    wanted = [_field(resource, term.strip()) for term in fields.split(",") if term.strip()]
    if name:
        wanted.append(lambda stored: stored.name == name)
    return Selection(namespace=namespace, labels=_labels(labels), fields=tuple(wanted))


def _labels(text: str) -> tuple[Callable[[Labels], bool], ...]:
    if not text.strip():
        return ()
    return tuple(_requirement(term.strip()) for term in _COMMA_OUTSIDE_PARENTHESES.split(text))


def _requirement(term: str) -> Callable[[Labels], bool]:
    if found := _SET.fullmatch(term):
        key, operator, listed = found.groups()
        values = frozenset(value.strip() for value in listed.split(","))
        return (
            (lambda labels: labels.get(key) in values)
            if operator == "in"
            else (lambda labels: labels.get(key) not in values)
        )
    if found := _COMPARISON.fullmatch(term):
        return _comparison(*found.groups())
    if found := _EXISTENCE.fullmatch(term):
        absent, key = found.groups()
        return (lambda labels: key not in labels) if absent else (lambda labels: key in labels)
    raise bad_request(f"unable to parse requirement: {term!r}")


def _comparison(key: str, operator: str, value: str) -> Callable[[Labels], bool]:
    match operator:
        case "=" | "==":
            return lambda labels: labels.get(key) == value
        case "!=":
            return lambda labels: labels.get(key) != value
    if not re.fullmatch(r"-?\d+", value):
        raise bad_request(f"unable to parse requirement: values for {operator!r} must be an integer")
    bound = int(value)
    above = operator == ">"

    def beyond(labels: Labels) -> bool:
        found = labels.get(key, "")
        return bool(re.fullmatch(r"-?\d+", found)) and (int(found) > bound if above else int(found) < bound)

    return beyond


def _field(resource: Resource, term: str) -> Callable[[Stored], bool]:
    found = _FIELD.fullmatch(term)
    if not found:
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    label, operator, value = found.groups()
    read = _COMMON_FIELDS.get(label) or (_POD_FIELDS.get(label) if resource == PODS else None)
    if read is None:
        raise bad_request(f"field label not supported: {label}")
    return (lambda stored: read(stored) != value) if operator == "!=" else (lambda stored: read(stored) == value)
