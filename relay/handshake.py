"""What a connection begins with: who we are, in protocol.md's order.

The first message goes out by itself and uncompressed; the rest is the compressed stream's beginning. There is no cloud: platform
unknown, and `set_node_info` names the host alone.
"""

import msgspec

from relay import encode
from relay.fit import cut

CLAIMED_VERSION = (0, 11, 0)
"""What the newest collector of opentelemetry-network calls itself; a reducer throws out anything below 0.9.0 (protocol.md)."""

LONGEST_LABEL_BYTES = encode.LONGEST_MESSAGE_BYTES - encode.SET_CONFIG_LABEL_BYTES
"""What a label's key and value may take together, in UTF-8."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How this relay introduces itself."""

    hostname: str
    cores: int
    labels: tuple[tuple[str, str], ...]
    """Keys and values, each pair within `LONGEST_LABEL_BYTES`, in the order in which they are sent."""


def first_message(stamp_ns: int) -> bytes:
    """`version_info`: uncompressed, flushed by itself."""
    major, minor, patch = CLAIMED_VERSION
    return encode.version_info(stamp_ns, major=major, minor=minor, patch=patch)


def introduction(identity: Identity, *, stamp_ns: int) -> list[bytes]:
    """The messages after the first, up to `metadata_complete`. A hostname too long for a message is cut."""
    # A hostname's bytes may be anything (gethostname(2)); Python shows those that are no UTF-8 as surrogates.
    hostname = identity.hostname.encode("utf-8", "replace")
    hostname = cut(hostname, encode.LONGEST_MESSAGE_BYTES - encode.SET_NODE_INFO_BYTES)
    return [
        encode.connect(stamp_ns, collector_type=encode.KUBERNETES_COLLECTOR, hostname=hostname),
        encode.report_cpu_cores(stamp_ns, count=identity.cores),
        *(
            encode.set_config_label(
                stamp_ns, key=key.encode("utf-8", "replace"), value=value.encode("utf-8", "replace")
            )
            for key, value in identity.labels
        ),
        encode.cloud_platform(stamp_ns, platform=encode.CloudPlatform.UNKNOWN),
        encode.set_node_info(stamp_ns, az=b"", role=b"", instance_id=hostname, instance_type=b""),
        encode.metadata_complete(stamp_ns, time=0),
    ]
