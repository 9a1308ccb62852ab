"""What the sandbox's API server can be told to do wrong, or to be: the orders of `POST /sandbox/orders`. docs/sandbox.md shows them.

An order is a JSON object with its name under `order`. In every order `resource` is a plural name; empty stands for all of them.
"""

from typing import Final

import msgspec

from sandbox.access import EVERY


class Order(msgspec.Struct, frozen=True, tag_field="order", forbid_unknown_fields=True, kw_only=True):
    """Something that the server is told to do or to be."""


class Cut(Order, frozen=True, tag="cut"):
    """Open watches end between two lines, without the body's end."""

    resource: str = ""


class End(Order, frozen=True, tag="end"):
    """Open watches end properly, as by their timeout."""

    resource: str = ""


class Tear(Order, frozen=True, tag="tear"):
    """Open watches end in the middle of a line."""

    resource: str = ""


class Garbage(Order, frozen=True, tag="garbage"):
    """Open watches get this line, and go on."""

    resource: str = ""
    line: str = "this is no JSON"
    base64: str = ""
    """The line as bytes that need not be text; takes the place of `line`."""


class Silence(Order, frozen=True, tag="silence"):
    """Open watches stay open and say nothing more: no events, no bookmarks, no end at their timeout."""

    resource: str = ""


class Gone(Order, frozen=True, tag="gone"):
    """Open watches get an ERROR event of 410 and end."""

    resource: str = ""


WatchOrder = Cut | End | Tear | Garbage | Silence | Gone


class Compact(Order, frozen=True, tag="compact"):
    """All history is forgotten: watches and lists of older versions, continue tokens too, get 410. Open watches go on."""


class ExpireTokens(Order, frozen=True, tag="expire-tokens"):
    """Continue tokens that were given out so far expire; watches do not."""


class Slow(Order, frozen=True, tag="slow"):
    """Each page of a list waits this long. 0 ends it."""

    seconds: float
    resource: str = ""


class Deny(Order, frozen=True, tag="deny"):
    """A verb (any, unless named) on a resource is forbidden (403)."""

    resource: str
    verb: str = EVERY


class Allow(Order, frozen=True, tag="allow"):
    """Takes a `deny` back."""

    resource: str
    verb: str = EVERY


class Refuse(Order, frozen=True, tag="refuse"):
    """The next requests of the API are answered with this status."""

    status: int
    count: int = 1
    retry_after_seconds: int = 1
    verb: str = ""
    resource: str = ""


class Rotate(Order, frozen=True, tag="rotate"):
    """The token becomes invalid (401). The kubeconfig gets the new one at once, or with `publish`."""

    publish: bool = True


class Publish(Order, frozen=True, tag="publish"):
    """Writes the valid token into the kubeconfig."""


class Streaming(Order, frozen=True, tag="streaming"):
    """Whether the server has streaming lists."""

    on: bool


class Pause(Order, frozen=True, tag="pause"):
    """The workload stands still."""


class Settle(Order, frozen=True, tag="settle"):
    """The workload finishes what it has begun and starts nothing new, until `resume`."""


class Resume(Order, frozen=True, tag="resume"):
    """The workload goes on."""


class Rate(Order, frozen=True, tag="rate"):
    """How many pod events a second the workload makes."""

    per_second: float


class Clear(Order, frozen=True, tag="clear"):
    """Ends delays, refusals and denials."""


WorkloadOrder = Pause | Settle | Resume | Rate
AccessOrder = Deny | Allow | Rotate | Publish
AnswerOrder = Compact | ExpireTokens | Slow | Refuse | Streaming | Clear
AnyOrder = WatchOrder | WorkloadOrder | AccessOrder | AnswerOrder

decode_order: Final = msgspec.json.Decoder(AnyOrder).decode
"""The order of a JSON text. Raises msgspec.DecodeError that says what is wrong."""
