"""The API over HTTP: who asks, what for, and which part of the sandbox answers.

Order as in a real server: token (401), load (429 and other refusals that were ordered), rights (403), then the request itself.
"""

import asyncio
import json
from typing import Final

from aiohttp import web

from sandbox.access import Access
from sandbox.discovery import discover
from sandbox.faults import Faults
from sandbox.following import Follower
from sandbox.listing import answer_list
from sandbox.negotiation import form_of
from sandbox.objects import Store
from sandbox.queries import is_watch, list_query, watch_query
from sandbox.render import Form, Renderer
from sandbox.resources import PODS, Place, locate
from sandbox.selectors import Selection, select
from sandbox.statuses import ApiError, method_not_allowed, success, unsupported_media_type
from sandbox.tables import Stored
from sandbox.watching import Watches
from sandbox.writing import Writer

TERMINATION_SECONDS: Final = 1.0
"""A pod that was deleted through the API is gone after this time, or after its grace period if that is shorter."""

_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_OBJECT_VERBS: Final = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_MERGE_PATCH: Final = "application/merge-patch+json"
_HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}


class ApiServer:
    """Answers everything below `/api`, `/apis`, `/version` and the health checks."""

    def __init__(self, *, store: Store, access: Access, faults: Faults, watches: Watches, writer: Writer) -> None:
        self._store = store
        self._access = access
        self._faults = faults
        self._watches = watches
        self._writer = writer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request; refusals become `Status` objects."""
        try:
            return await self._answer(request)
        except ApiError as error:
            retry = {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds is not None else {}
            return web.Response(status=error.code, body=error.body() + b"\n", headers={**_HEADERS, **retry})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in ("/readyz", "/livez", "/healthz"):
            return web.Response(text="ok")
        user = self._access.user_of(request.headers.get("Authorization"))
        if request.path == _REVIEWS and request.method == "POST":
            if request.content_type == _PROTOBUF:
                raise unsupported_media_type()
            review = self._access.review(user, await request.read())
            return web.Response(status=201, text=json.dumps(review), headers=_HEADERS)
        place = locate(request.path)
        if place is None:
            return web.Response(
                text=json.dumps(discover(request.path, streaming=self._faults.streaming)), headers=_HEADERS
            )
        verb = _verb(request, place)
        self._faults.refuse(verb, place.resource.plural)
        self._access.check(user, verb, place)
        if request.method in ("POST", "PUT") and request.content_type == _PROTOBUF:
            raise unsupported_media_type()
        return await self._serve(request, place, verb)

    async def _serve(self, request: web.Request, place: Place, verb: str) -> web.StreamResponse:
        match verb:
            case "watch":
                return await self._watch(request, place)
            case "list":
                return await self._list(request, place)
            case "get":
                return self._object(request, place, self._writer.read(place))
            case "create":
                return self._object(request, place, self._writer.create(place, await request.read()), status=201)
            case "update":
                return self._object(request, place, self._writer.replace(place, await request.read()))
            case "patch":
                if request.content_type != _MERGE_PATCH:
                    raise unsupported_media_type()
                return self._object(request, place, self._writer.patch(place, await request.read()))
            case _:
                return self._delete(request, place, await request.read())

    def _object(self, request: web.Request, place: Place, stored: Stored, *, status: int = 200) -> web.Response:
        form = form_of(request.headers.get("Accept", ""), is_list=False)
        body = Renderer(place.resource, form).object(stored)
        return web.Response(status=status, body=body + b"\n", headers=_HEADERS)

    def _delete(self, request: web.Request, place: Place, body: bytes) -> web.Response:
        given = request.query.get("gracePeriodSeconds", "")
        stored, seconds = self._writer.delete(place, body, grace_seconds=int(given) if given.isdigit() else None)
        if not seconds:
            text = success(place.resource, name=stored.name, uid=stored.uid)
            return web.Response(body=text + b"\n", headers=_HEADERS)
        asyncio.get_running_loop().call_later(min(seconds, TERMINATION_SECONDS), self._let_go, stored.key, stored.uid)
        return self._object(request, place, stored)

    def _let_go(self, key: str, uid: str) -> None:
        known = self._store.get(PODS, key)
        if known is not None and known.uid == uid:
            self._store.remove(PODS, key)

    async def _list(self, request: web.Request, place: Place) -> web.StreamResponse:
        form = form_of(request.headers.get("Accept", ""), is_list=True)
        query = list_query(request.query)
        selection = _selection(request, place)
        if delay := self._faults.slow_seconds.get(place.resource.plural):
            await asyncio.sleep(delay)
        page = answer_list(self._store, place.resource, query, selection, tokens_from=self._faults.tokens_from)
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        # Lists of metadata lose the count in 1.20, whose rules are those without streaming lists here.
        counted = form is Form.FULL or self._faults.streaming
        remaining = page.remaining if counted else None
        blocks = Renderer(place.resource, form).page(
            page.objects, version=page.version, continue_=page.continue_, remaining=remaining
        )
        for block in blocks:
            await response.write(block)
        await response.write_eof()
        return response

    async def _watch(self, request: web.Request, place: Place) -> web.StreamResponse:
        form = form_of(request.headers.get("Accept", ""), is_list=False)
        query = watch_query(request.query, streaming=self._faults.streaming)
        follower = Follower(
            self._store,
            place.resource,
            query=query,
            selection=_selection(request, place),
            renderer=Renderer(place.resource, form),
            progress=self._faults.streaming,
        )
        watch = self._watches.open(follower, place.resource)
        response = web.StreamResponse(headers=_HEADERS)
        try:
            await response.prepare(request)
            await watch.run(request, response, timeout_seconds=query.timeout_seconds, bookmarks=query.bookmarks)
        finally:
            self._watches.close(watch)
        return response


def _selection(request: web.Request, place: Place) -> Selection:
    return select(
        place.resource,
        namespace=place.namespace,
        name=place.name,
        labels=request.query.get("labelSelector", ""),
        fields=request.query.get("fieldSelector", ""),
    )


def _verb(request: web.Request, place: Place) -> str:
    """The request's verb, as rights name it. Raises ApiError (405)."""
    if place.name:
        if request.method == "GET" and not place.subresource and is_watch(request.query):
            return "watch"
        verb = _OBJECT_VERBS.get(request.method, "")
        if not verb or (place.subresource and verb == "delete"):
            raise method_not_allowed()
        return verb
    if request.method == "GET":
        return "watch" if is_watch(request.query) else "list"
    if request.method == "POST" and (place.namespace or not place.resource.namespaced):
        return "create"
    raise method_not_allowed()
