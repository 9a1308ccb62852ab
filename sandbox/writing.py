"""Creates, replaces, patches and deletes objects as clients ask. Pure: the clock's text and fresh UIDs are handed in.

The rules that a client of a complete API server meets: names and namespaces, resource versions as preconditions, the status
subresource, writes that change nothing, graceful deletion. Specs are not validated and no defaults are filled in.
"""

import random
from collections.abc import Callable
from typing import Any, Final

import msgspec

from sandbox.objects import Store
from sandbox.plain import Plain, key_of, plain_of, stored_of
from sandbox.resources import NAMESPACES, PODS, Place
from sandbox.statuses import ApiError, already_exists, bad_request, conflict, details_of, invalid, not_found
from sandbox.tables import Stored

GRACE_SECONDS: Final = 30
"""`terminationGracePeriodSeconds` of a pod that names none."""

_SUFFIX: Final = "bcdfghjklmnpqrstvwxz2456789"
_MODIFIED: Final = "the object has been modified; please apply your changes to the latest version and try again"
_FOREIGN_NAMESPACE: Final = "the namespace of the provided object does not match the namespace sent on the request"


class Writer:
    """Writes to a store on behalf of clients."""

    def __init__(self, store: Store, *, now: Callable[[], str], new_uid: Callable[[], str]) -> None:
        """`now` gives the time as objects carry it (RFC 3339, seconds)."""
        self._store = store
        self._now = now
        self._new_uid = new_uid

    def create(self, place: Place, body: bytes) -> Stored:
        """Creates the object of the body. Raises ApiError."""
        plain = _decode(body, place)
        metadata = plain["metadata"]
        self._check_namespace(place, metadata)
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX, k=5))
        name = metadata.get("name")
        if not name:
            raise _required(place)
        if self._store.get(place.resource, key_of(place.namespace, name)):
            raise already_exists(place.resource, name)
        fresh = {"name": name, "uid": self._new_uid(), "creationTimestamp": self._now()}
        if place.namespace:
            fresh["namespace"] = place.namespace
        plain["metadata"] = {**fresh, **{key: value for key, value in metadata.items() if key not in fresh}}
        plain["status"] = _first_status(place)
        return self._store.put(place.resource, stored_of(place.resource, plain))

    def _check_namespace(self, place: Place, metadata: Plain) -> None:
        if place.resource.namespaced and not self._store.get(NAMESPACES, place.namespace):
            raise not_found(NAMESPACES, place.namespace)
        if metadata.get("namespace") not in (None, "", place.namespace):
            raise bad_request(_FOREIGN_NAMESPACE)

    def replace(self, place: Place, body: bytes) -> Stored:
        """PUT. Raises ApiError."""
        return self._change(place, self.read(place), _decode(body, place))

    def patch(self, place: Place, body: bytes) -> Stored:
        """A merge patch (RFC 7386). Raises ApiError."""
        known = self.read(place)
        patch = _object(body)
        merged = merge(plain_of(known), patch)
        given = (patch.get("metadata") or {}).get("resourceVersion")
        merged["metadata"]["resourceVersion"] = given or str(known.version)
        return self._change(place, known, merged)

    def read(self, place: Place) -> Stored:
        """The object of this place. Raises ApiError (404)."""
        known = self._store.get(place.resource, key_of(place.namespace, place.name))
        if known is None:
            raise not_found(place.resource, place.name)
        return known

    def _change(self, place: Place, known: Stored, wanted: Plain) -> Stored:
        metadata = wanted["metadata"]
        _check_identity(place, known, metadata)
        before = plain_of(known)
        # A write of the status takes labels and annotations with it, but leaves owners alone (registry/core/pod, podStatusStrategy).
        is_status = place.subresource == "status"
        fixed = (*_IMMUTABLE, "ownerReferences") if is_status else _IMMUTABLE
        kept = {key: before["metadata"][key] for key in fixed if key in before["metadata"]}
        free = {key: value for key, value in metadata.items() if key not in fixed}
        after = {
            "metadata": {**free, **kept, "resourceVersion": str(known.version)},
            "spec": before["spec"] if is_status else wanted.get("spec") or {},
            "status": wanted.get("status") or {} if is_status else before["status"],
        }
        if after == before:
            return known
        return self._store.put(place.resource, stored_of(place.resource, after))

    def delete(self, place: Place, body: bytes, *, grace_seconds: int | None) -> tuple[Stored, int]:
        """Deletes the object, and gives its last state and how many seconds it may still take to go: 0 means that it is gone.

        A pod on a node is only marked, as on a cluster with kubelets: whoever plays the kubelet removes it. Raises ApiError.
        """
        known = self.read(place)
        options = _object(body) if body.strip() else {}
        self._check_precondition(place, known, options)
        asked = options.get("gracePeriodSeconds", grace_seconds)
        grace = (GRACE_SECONDS if asked is None else int(asked)) if place.resource == PODS and known.node else 0
        if grace <= 0:
            return self.remove(place, known), 0
        return self._mark(place, known, grace), grace

    def _check_precondition(self, place: Place, known: Stored, options: Plain) -> None:
        uid = (options.get("preconditions") or {}).get("uid")
        if uid not in (None, known.uid):
            because = (
                f"the UID in the precondition ({uid}) does not match the UID in record ({known.uid}). "
                "The object might have been deleted and then recreated"
            )
            raise conflict(place.resource, place.name, because=because)

    def _mark(self, place: Place, known: Stored, grace: int) -> Stored:
        plain = plain_of(known)
        if "deletionTimestamp" in plain["metadata"]:
            return known
        plain["metadata"] |= {"deletionTimestamp": self._now(), "deletionGracePeriodSeconds": grace}
        return self._store.put(place.resource, stored_of(place.resource, plain))

    def remove(self, place: Place, known: Stored) -> Stored:
        """Removes the object for good; with a namespace goes all that is in it."""
        if place.resource == NAMESPACES:
            self._empty(known.name)
        return self._store.remove(place.resource, known.key)

    def _empty(self, namespace: str) -> None:
        for resource in self._store.resources():
            inside = [key for key in self._store.table(resource).objects if key.startswith(f"{namespace}/")]
            for key in inside:
                self._store.remove(resource, key)


_IMMUTABLE: Final = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def merge(target: Any, patch: Any) -> Any:  # noqa: ANN401 (any JSON value)
    """A JSON merge patch applied (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _object(body: bytes) -> Plain:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _decode(body: bytes, place: Place) -> Plain:
    plain = _object(body)
    kind = plain.get("kind", place.resource.kind)
    if kind != place.resource.kind:
        message = f"{kind} in version {plain.get('apiVersion')!r} cannot be handled as a {place.resource.kind}"
        raise bad_request(message)
    if not isinstance(plain.setdefault("metadata", {}), dict):
        raise bad_request("the object provided is unrecognized: metadata is no object")
    return plain


def _check_identity(place: Place, known: Stored, metadata: Plain) -> None:
    name = metadata.get("name")
    if name != known.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({known.name})")
    if metadata.get("namespace", known.namespace) != known.namespace:
        raise bad_request(_FOREIGN_NAMESPACE)
    if metadata.get("resourceVersion") not in (None, "", str(known.version)):
        raise conflict(place.resource, known.name, because=_MODIFIED)
    if metadata.get("uid") not in (None, "", known.uid):
        because = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {known.uid}"
        raise conflict(place.resource, known.name, because=because)


def _required(place: Place) -> ApiError:
    return invalid(
        f'{place.resource.kind} ""',
        field="metadata.name",
        cause="FieldValueRequired",
        message="Required value: name or generateName is required",
        details=details_of(place.resource, ""),
    )


def _first_status(place: Place) -> Plain:
    if place.resource == PODS:
        return {"phase": "Pending", "qosClass": "BestEffort"}
    return {"phase": "Active"} if place.resource == NAMESPACES else {}
