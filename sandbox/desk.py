"""The sandbox's own HTTP below `/sandbox/`, without a token: takes orders, and shows the truth to compare with. docs/sandbox.md lists it.

An order that is unknown, or has unknown fields or wrong types, is answered with 400 and what is wrong.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Protocol, assert_never

import msgspec
from aiohttp import web

from sandbox.access import Access
from sandbox.faults import Faults, Refusal
from sandbox.objects import Store
from sandbox.orders import (
    AccessOrder,
    Allow,
    AnswerOrder,
    AnyOrder,
    Clear,
    Compact,
    Cut,
    Deny,
    End,
    ExpireTokens,
    Garbage,
    Gone,
    Pause,
    Publish,
    Rate,
    Refuse,
    Resume,
    Rotate,
    Settle,
    Silence,
    Slow,
    Streaming,
    Tear,
    WorkloadOrder,
    decode_order,
)
from sandbox.plain import key_of, verbatim
from sandbox.render import Form, Renderer
from sandbox.resources import ALL, Resource, by_plural
from sandbox.watching import Watches


class Moving(Protocol):
    """The workload, as far as it can be ordered about."""

    def pause(self) -> None: ...
    def settle(self) -> None: ...
    def resume(self) -> None: ...
    def set_rate(self, per_second: float) -> None: ...
    def state(self) -> dict[str, Any]: ...


class Desk:
    """Takes orders and shows the state."""

    def __init__(
        self,
        *,
        store: Store,
        access: Access,
        faults: Faults,
        watches: Watches,
        workload: Moving,
        publish: Callable[[], None],
    ) -> None:
        """`publish` writes the kubeconfig with the token that is valid."""
        self._store = store
        self._access = access
        self._faults = faults
        self._watches = watches
        self._workload = workload
        self._publish = publish

    def routes(self) -> list[web.RouteDef]:
        """Where the desk answers."""
        return [
            web.post("/sandbox/orders", self._order),
            web.get("/sandbox/state", self._state),
            web.get("/sandbox/changes", self._changes),
            web.get("/sandbox/objects/{plural}", self._objects),
            web.put("/sandbox/objects/{plural}/{namespace}/{name}", self._put),
            web.delete("/sandbox/objects/{plural}/{namespace}/{name}", self._remove),
        ]

    async def _order(self, request: web.Request) -> web.Response:
        try:
            order = decode_order(await request.read())
            return web.json_response({"concerned": self._obey(order)})
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    def _obey(self, order: AnyOrder) -> int:
        """Does what is ordered; gives how many open watches it concerns. Raises ValueError where it makes no sense."""
        resource = getattr(order, "resource", "")
        if resource:
            _known(resource)
        match order:
            case Garbage():
                return self._watches.order(order, _line(order))
            case Cut() | End() | Tear() | Silence() | Gone():
                return self._watches.order(order)
            case Pause() | Settle() | Resume() | Rate():
                self._move(order)
            case Deny() | Allow() | Rotate() | Publish():
                self._change_access(order)
            case _:
                self._change_answers(order)
        return 0

    def _move(self, order: WorkloadOrder) -> None:
        match order:
            case Pause():
                self._workload.pause()
            case Settle():
                self._workload.settle()
            case Resume():
                self._workload.resume()
            case Rate(per_second=per_second):
                self._workload.set_rate(per_second)
            case _ as never:
                assert_never(never)

    def _change_access(self, order: AccessOrder) -> None:
        match order:
            case Deny(resource=resource, verb=verb):
                self._access.deny(verb, resource)
            case Allow(resource=resource, verb=verb):
                self._access.allow(verb, resource)
            case Rotate(publish=publish):
                self._access.rotate()
                if publish:
                    self._publish()
            case Publish():
                self._publish()
            case _ as never:
                assert_never(never)

    def _change_answers(self, order: AnswerOrder) -> None:
        match order:
            case Compact():
                self._store.compact()
            case ExpireTokens():
                self._faults.tokens_from = self._store.version + 1
            case Slow(seconds=seconds, resource=resource):
                concerned = [resource] if resource else [one.plural for one in ALL]
                self._faults.slow_seconds |= dict.fromkeys(concerned, seconds)
            case Refuse():
                self._faults.refusals.append(_refusal(order))
            case Streaming(on=on):
                self._faults.streaming = on
            case Clear():
                self._faults.clear()
                self._access.allow_all()
            case _ as never:
                assert_never(never)

    async def _state(self, _request: web.Request) -> web.Response:
        state = {
            "resource_version": self._store.version,
            "objects": {resource.plural: len(self._store.table(resource).objects) for resource in ALL},
            "watches": self._watches.count(),
            "watches_opened": self._watches.opened,
            "streaming": self._faults.streaming,
            "denied": self._access.denied(),
            "slow_seconds": self._faults.slow_seconds,
            "workload": self._workload.state(),
        }
        return web.json_response(state)

    async def _changes(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not after.isdigit():
            return web.json_response({"error": "after is the number of a change"}, status=400)
        return web.Response(
            body=msgspec.json.encode(self._watches.tellings(after=int(after))), content_type="application/json"
        )

    async def _objects(self, request: web.Request) -> web.StreamResponse:
        resource = _resource(request)
        objects = list(self._store.table(resource).objects.values())
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        blocks = Renderer(resource, Form.FULL).page(objects, version=self._store.version, continue_="", remaining=None)
        for block in blocks:
            await response.write(block)
        await response.write_eof()
        return response

    async def _put(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            stored = verbatim(namespace=namespace, name=name, text=await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"resourceVersion": str(self._store.put(_resource(request), stored).version)})

    async def _remove(self, request: web.Request) -> web.Response:
        resource = _resource(request)
        key = key_of(request.match_info["namespace"], request.match_info["name"])
        if self._store.get(resource, key) is None:
            return web.json_response({"error": f"no {resource.plural} {key}"}, status=404)
        return web.json_response({"resourceVersion": str(self._store.remove(resource, key).version)})


def _resource(request: web.Request) -> Resource:
    try:
        return _known(request.match_info["plural"])
    except ValueError as error:
        raise web.HTTPNotFound(text=str(error)) from error


def _known(plural: str) -> Resource:
    resource = by_plural(plural)
    if resource is None:
        raise ValueError(f"no resource {plural!r}: it is one of {', '.join(one.plural for one in ALL)}")
    return resource


def _line(order: Garbage) -> bytes:
    try:
        return base64.b64decode(order.base64, validate=True) if order.base64 else order.line.encode()
    except binascii.Error as error:
        raise ValueError(f"base64: {error}") from error


def _refusal(order: Refuse) -> Refusal:
    if not 400 <= order.status <= 599:
        raise ValueError(f"status {order.status} is no refusal: use 400 to 599")
    return Refusal(
        status=order.status,
        count=order.count,
        retry_after_seconds=order.retry_after_seconds,
        verb=order.verb,
        resource=order.resource,
    )
