"""How the server gives lists and watches: selectors, encoding, streaming lists, bookmarks."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

from podwire.check.api import Answer, Api
from podwire.check.findings import Finding
from podwire.check.rights import NOBODY, collection
from watcher.channel import query_string
from watcher.decode import Bookmark, Decoder, WatchEvent
from watcher.decode_json import JsonDecoder
from watcher.decode_protobuf import ProtobufDecoder
from watcher.objects import Pod
from watcher.scope import accept
from watcher.settings import Settings

PROBE_WATCH_SECONDS = 5
"""A server sends a bookmark two seconds before a watch's time is up; some look only once a second."""


def probe_list(api: Api, settings: Settings) -> list[Finding]:
    """One pod, as the watcher lists them: with its selectors and its encoding."""
    query = {"limit": "1", "labelSelector": settings.label_selector, "fieldSelector": settings.field_selector}
    path = _pods(settings)
    target = f"{path}?{query_string({key: value for key, value in query.items() if value})}"
    answer = api.get(target, accept=accept("pods", settings.encoding, watch=False))
    if answer.status == 403:
        return []  # told among the rights
    if answer.status == 400:
        do = "mend --label-selector or --field-selector; kubectl get pods -l … --field-selector … meets the same"
        return [Finding("list", "problem", f"it refuses the selectors: {answer.message}", do)]
    if answer.status != 200:
        return [Finding("list", "problem", f"it answers {answer.message} to a list of pods", "ask its administrators")]
    page = _decoder(answer).page(answer.body)
    count = len(page.items) + (page.remaining or 0)
    about = f"about {count:,} pods" if page.remaining or not page.continue_token else "many pods"
    return [Finding("list", "ok", f"{about} to follow{_where(settings)}, in {_encoding(answer)}")]


def probe_streaming(api: Api, settings: Settings) -> list[Finding]:
    """Whether there are streaming lists, and bookmarks. A streaming list ends its initial events with one."""
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "fieldSelector": NOBODY}
    with _watch(api, settings, asked) as (answer, body):
        if any(isinstance(event, Bookmark) for event in _events(answer, body)):
            return [_streaming(answer, settings), Finding("bookmarks", "ok", "the server sends them")]
    if answer.status == 403:
        return []
    pages = Finding(
        "streaming", "note", "no streaming lists (they came with Kubernetes 1.32): pages are listed instead"
    )
    return [pages, _bookmarks(api, settings)]


def _streaming(answer: Answer, settings: Settings) -> Finding:
    if settings.streaming_lists == "never":
        return Finding(
            "streaming", "note", "the server has streaming lists, and --streaming-lists never leaves them unused"
        )
    if settings.streaming_lists == "auto" and _encoding(answer) == "JSON":
        says = "the server streams lists in JSON only: pages are listed instead, which cost it less"
        return Finding("streaming", "note", says, "--streaming-lists always takes them all the same")
    return Finding("streaming", "ok", f"streaming lists, in {_encoding(answer)}")


def _bookmarks(api: Api, settings: Settings) -> Finding:
    """A watch of all pods from now on: a server without streaming lists sends no bookmark to a watch since which nothing has happened."""
    pods = _pods(settings)
    listed = api.get(f"{pods}?limit=1", accept=accept("pods", settings.encoding, watch=False))
    version = _decoder(listed).page(listed.body).resource_version
    seen = 0
    with _watch(api, settings, {"resourceVersion": version}) as (answer, body):
        for event in _events(answer, body):
            if isinstance(event, Bookmark):
                return Finding("bookmarks", "ok", "the server sends them")
            seen += 1
    if not seen:
        says = f"nothing happened in {PROBE_WATCH_SECONDS} s that one could tell; Kubernetes has them since 1.17"
        return Finding("bookmarks", "note", says)
    silence = f"{settings.watch_silence_seconds:.0f} s"
    says = f"the server sends none: a watch that is quiet for {silence} (--watch-silence) is opened again"
    return Finding("bookmarks", "note", says)


def _watch(
    api: Api, settings: Settings, query: dict[str, str]
) -> AbstractContextManager[tuple[Answer, Iterator[bytes]]]:
    asked = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(PROBE_WATCH_SECONDS)}
    target = f"{_pods(settings)}?{query_string({**asked, **query})}"
    return api.watch(target, accept=accept("pods", settings.encoding, watch=True))


def _events(answer: Answer, body: Iterator[bytes]) -> Iterator[WatchEvent]:
    if answer.status != 200:
        return
    decoder = _decoder(answer)
    splitter = decoder.splitter()
    for data in body:
        yield from map(decoder.event, splitter.feed([data]))


def _pods(settings: Settings) -> str:
    return collection("pods", settings.namespaces[0] if settings.namespaces else None)


def _where(settings: Settings) -> str:
    return f" in {settings.namespaces[0]}" if settings.namespaces else ""


def _decoder(answer: Answer) -> Decoder:
    return ProtobufDecoder(Pod) if _encoding(answer) == "protobuf" else JsonDecoder(Pod)


def _encoding(answer: Answer) -> str:
    return "protobuf" if "protobuf" in answer.headers.get("content-type", "") else "JSON"
