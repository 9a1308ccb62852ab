"""Objects as plain dictionaries, the way clients write them, and as `Stored`, the way the tables keep them."""

from typing import Any, Final

import msgspec

from sandbox.resources import PODS, Resource
from sandbox.tables import Stored

Plain = dict[str, Any]
encode: Final = msgspec.json.encode
decode: Final = msgspec.json.decode


class _Sections(msgspec.Struct):
    metadata: msgspec.Raw = msgspec.Raw(b"{}")
    spec: msgspec.Raw = msgspec.Raw(b"{}")
    status: msgspec.Raw = msgspec.Raw(b"{}")


_sections = msgspec.json.Decoder(_Sections)


def key_of(namespace: str, name: str) -> str:
    """The key of an object in its table."""
    return f"{namespace}/{name}" if namespace else name


def metadata_text(metadata: Plain) -> bytes:
    """The JSON of `metadata` as `Stored` keeps it: behind the resource version, which `metadata` does not carry, up to the brace."""
    fields = encode(metadata)[1:-1]
    return b"," + fields if fields else b""


def stored_of(resource: Resource, plain: Plain) -> Stored:
    """An object to store. `metadata` has name, namespace and uid; its resource version is for the store to give."""
    metadata = {key: value for key, value in plain["metadata"].items() if key != "resourceVersion"}
    spec, status = plain.get("spec") or {}, plain.get("status") or {}
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    is_pod = resource == PODS
    return Stored(
        key=key_of(namespace, name),
        namespace=namespace,
        name=name,
        uid=metadata["uid"],
        labels=metadata.get("labels") or {},
        metadata=(metadata_text(metadata), b"}"),
        spec=(encode(spec),),
        status=(encode(status),),
        node=spec.get("nodeName", "") if is_pod else "",
        phase=status.get("phase", "") if is_pod else "",
        ip=status.get("podIP", "") if is_pod else "",
    )


def verbatim(*, namespace: str, name: str, text: bytes) -> Stored:
    """An object whose sections are kept as they were given, however strange: for tests of clients. Raises msgspec.DecodeError where
    the text has no sections (`metadata`, `spec`, `status`) to take."""
    sections = _sections.decode(text)
    fields = bytes(sections.metadata).strip()[1:-1].strip()
    return Stored(
        key=key_of(namespace, name),
        namespace=namespace,
        name=name,
        uid="",
        labels={},
        metadata=(b"," + fields if fields else b"", b"}"),
        spec=(bytes(sections.spec),),
        status=(bytes(sections.status),),
    )


def plain_metadata(stored: Stored) -> Plain:
    """The object's metadata, with its resource version."""
    text = b"".join((b'{"resourceVersion":"', str(stored.version).encode(), b'"', *stored.metadata))
    found: Plain = decode(text)
    return found


def plain_of(stored: Stored) -> Plain:
    """The object as clients know it, without kind and API version."""
    return {
        "metadata": plain_metadata(stored),
        "spec": decode(b"".join(stored.spec)),
        "status": decode(b"".join(stored.status)),
    }
