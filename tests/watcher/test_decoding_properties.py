"""Both decoders, held against each other and against any cut and any bytes."""

import contextlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, Media, data, pod, pod_bytes, varint, wrapped
from watcher import normalize
from watcher.decode import (
    LARGEST_EVENT_BYTES,
    BadObject,
    BadStream,
    Changed,
    Decoder,
    WatchEvent,
)
from watcher.decode_json import JsonDecoder, Lines
from watcher.decode_protobuf import Frames, ProtobufDecoder
from watcher.objects import Pod

DECODERS: dict[Media, Decoder] = {JSON: JsonDecoder(Pod), PROTOBUF: ProtobufDecoder(Pod)}
each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


def _events(media: Media, body: bytes) -> list[WatchEvent]:
    return [DECODERS[media].event(piece) for piece in DECODERS[media].splitter().feed([body])]


def _event(media: Media, body: bytes) -> WatchEvent:
    (event,) = _events(media, body)
    return event


def _uids(items) -> list[str]:
    return [item.metadata.uid for item in items]


# Cutting a stream ------------------------------------------------------------------------------------------------------------------------

SOME_EVENTS = {
    media: [
        media.event("ADDED", pod("a")),
        media.bookmark(5),
        media.event("DELETED", pod("a")),
        media.error(410, "x\ny"),
    ]
    for media in MEDIA
}


@each_media
@given(cuts=st.lists(st.integers(0, 2_000), max_size=10), take=st.lists(st.integers(0, 3), max_size=5))
def test_however_the_stream_is_cut_it_gives_the_same_events(media, cuts, take):
    body = b"".join(SOME_EVENTS[media][one] for one in take)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    splitter = DECODERS[media].splitter()
    pieces = [piece for at, end in itertools.pairwise(edges) for piece in splitter.feed([body[at:end]])]
    assert pieces == [piece for one in take for piece in DECODERS[media].splitter().feed([SOME_EVENTS[media][one]])]
    assert len(pieces) == len(take)


def test_a_line_without_its_end_is_no_event_yet():
    assert Lines().feed([b'{"type": "ADDED"}']) == []


def test_empty_lines_are_no_events():
    assert Lines().feed([b"\n \n\r\n{}\n"]) == [b"{}"]


def test_an_event_longer_than_any_object_is_refused():
    lines = Lines()
    piece = b"x" * (LARGEST_EVENT_BYTES // 4)
    for _ in range(4):
        assert lines.feed([piece]) == []
    with pytest.raises(BadStream):
        lines.feed([b"x"])
    with pytest.raises(BadStream):
        Frames().feed([b"<htm"])


@given(junk=st.binary(max_size=200))
def test_hostile_bytes_raise_nothing_but_what_is_foreseen(junk):
    for media, decoder in DECODERS.items():
        for body in (junk, wrapped(junk), b"k8s\0" + junk, b'{"metadata":{"resourceVersion":"1"},"items":[%s]}' % junk):
            with contextlib.suppress(BadStream):
                decoder.page(body)
            decoder.failure(body)
        for piece in (junk, b'{"type":"ADDED","object":%s}' % junk, data(1, "ADDED") + data(2, data(1, wrapped(junk)))):
            with contextlib.suppress(BadStream, BadObject):
                decoder.event(piece)
        assert media.name


# Events whose objects are read without reading what stands before them ---------------------------------------------------------------

GOOD = PROTOBUF.event("ADDED", pod("a"))[4:]
TYPE, OBJECT, OTHER = data(1, "ADDED"), data(1, wrapped(pod_bytes(pod("a")))), data(1, wrapped(pod_bytes(pod("b"))))
SECOND_LENGTH_AT = len(TYPE) + 4
A_FIELD_OF_THE_FUTURE = data(15, "x" * 40)
"""Known to nobody, and long enough that what follows it is read field by field."""

ENVELOPES = {
    "as servers write it": GOOD,
    "another object later": GOOD + data(2, OTHER),
    "an empty object later": GOOD + data(2, data(1, "")),
    "another object within": TYPE + data(2, OBJECT + OTHER),
    "another type later": GOOD + data(1, "DELETED"),
    "another type before": data(1, "DELETED") + GOOD,
    "the type behind": data(2, OBJECT) + TYPE,
    "no field before": b"\xff" + GOOD,
    "a field between": TYPE + data(2, data(3, "") + OBJECT),
    "bytes between": TYPE + data(2, OBJECT[:3] + b"\x22\0" + OBJECT[3:-2]) + OBJECT[-2:],
    "longer than there is": TYPE + b"\x12" + varint(len(OBJECT) + 1) + OBJECT,
    "shorter than there is": TYPE + b"\x12" + varint(len(OBJECT) - 2) + OBJECT,
    "the object longer than there is": TYPE + data(2, OBJECT[:1] + varint(len(OBJECT) - 2) + OBJECT[3:]),
    "cut": GOOD[:-2],
}


def _outcome(frame: bytes) -> object:
    """What the frame is to a watch: the record of a change, or another event, or what is wrong."""
    try:
        event = DECODERS[PROTOBUF].event(frame)
    except (BadStream, BadObject) as error:
        return type(error)
    return normalize.pod(event.item) if isinstance(event, Changed) else event


@pytest.mark.parametrize("frame", ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_that_is_not_as_servers_write_it_is_read_by_the_rules_of_protobuf(frame):
    assert _outcome(GOOD) == normalize.pod(DECODERS[PROTOBUF].page(PROTOBUF.page([pod("a")], version=1)).items[0])
    assert _outcome(frame) == _outcome(A_FIELD_OF_THE_FUTURE + frame)


@given(at=st.integers(0, SECOND_LENGTH_AT + 6), byte=st.integers(0, 255))
def test_an_envelope_of_which_a_byte_is_wrong_is_read_by_the_rules_of_protobuf(at, byte):
    frame = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    assert _outcome(frame) == _outcome(A_FIELD_OF_THE_FUTURE + frame)


# Both decoders, one record ----------------------------------------------------------------------------------------------------

texts = st.text('az/:\\"\0\n é漢😀', max_size=8)


def _maybe(**fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=fields)


_references = _maybe(
    apiVersion=st.sampled_from(["apps/v1", "v1", "batch/v1"]),
    kind=texts,
    name=texts,
    uid=texts,
    controller=st.booleans(),
)
_containers = st.lists(_maybe(name=texts, image=texts, containerID=texts), max_size=3)
_statuses = _maybe(
    phase=texts,
    podIP=texts,
    podIPs=st.lists(_maybe(ip=texts), max_size=3),
    containerStatuses=_containers,
    initContainerStatuses=_containers,
    ephemeralContainerStatuses=_containers,
)
_metas = _maybe(
    name=texts,
    namespace=texts,
    uid=texts,
    resourceVersion=texts,
    labels=st.dictionaries(texts, texts, max_size=2),
    annotations=st.dictionaries(texts, texts, max_size=2),
    ownerReferences=st.lists(_references, max_size=3),
)
pods = st.fixed_dictionaries(
    {"metadata": _metas}, optional={"spec": _maybe(hostNetwork=st.booleans(), nodeName=texts), "status": _statuses}
)


@given(items=st.lists(pods, max_size=4))
def test_both_decoders_give_the_same_records(items):
    by_media = [DECODERS[media].page(media.page(items, version=1)) for media in MEDIA]
    for normalizer in (normalize.pod, normalize.owner):
        json_records, protobuf_records = [[normalizer(item) for item in page.items] for page in by_media]
        assert json_records == protobuf_records
        assert len(json_records) == len(items)


@given(item=pods, type_=st.sampled_from(["ADDED", "MODIFIED"]))
def test_both_decoders_give_the_same_events(item, type_):
    of_json, of_protobuf = [_event(media, media.event(type_, item)) for media in MEDIA]
    assert isinstance(of_json, Changed)
    assert isinstance(of_protobuf, Changed)
    assert normalize.pod(of_json.item) == normalize.pod(of_protobuf.item)
    assert (of_json.item.metadata.resourceVersion or "") == of_protobuf.item.metadata.resourceVersion
    assert _event(JSON, JSON.event("DELETED", item)) == _event(PROTOBUF, PROTOBUF.event("DELETED", item))


@given(item=pods)
def test_null_stands_for_what_is_missing(item):
    """Go writes nil slices and pointers as null."""
    filled = json.loads(json.dumps(item))
    filled["metadata"].setdefault("ownerReferences", None)
    for part in ("spec", "status"):
        filled.setdefault(part, None)
    if filled["status"] is not None:
        for name in ("podIPs", "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
            filled["status"].setdefault(name, None)
    left, right = [DECODERS[JSON].page(JSON.page([one], version=1)).items[0] for one in (item, filled)]
    assert normalize.pod(left) == normalize.pod(right)
