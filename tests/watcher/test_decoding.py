"""Lists and watch events, read by both decoders from the same objects in their two forms."""

import pytest

from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, Media, data, pod, pod_bytes, wrapped
from watcher.decode import (
    BadObject,
    BadStream,
    Bookmark,
    Changed,
    Decoder,
    Deleted,
    Failure,
    WatchEvent,
)
from watcher.decode_json import JsonDecoder
from watcher.decode_protobuf import ProtobufDecoder
from watcher.objects import PartialObject, Pod

DECODERS: dict[Media, Decoder] = {JSON: JsonDecoder(Pod), PROTOBUF: ProtobufDecoder(Pod)}
each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


def _events(media: Media, body: bytes) -> list[WatchEvent]:
    return [DECODERS[media].event(piece) for piece in DECODERS[media].splitter().feed([body])]


def _event(media: Media, body: bytes) -> WatchEvent:
    (event,) = _events(media, body)
    return event


def _uids(items) -> list[str]:
    return [item.metadata.uid for item in items]


# Pages -----------------------------------------------------------------------------------------------------------------------------


@each_media
def test_a_page_gives_its_objects_its_version_and_where_the_next_one_begins(media):
    page = DECODERS[media].page(media.page([pod("a"), pod("b")], version=7, token="next", remaining=5))
    assert _uids(page.items) == ["a", "b"]
    assert (page.resource_version, page.continue_token, page.remaining, page.unreadable) == ("7", "next", 5, 0)


@each_media
def test_the_last_page_has_no_token(media):
    page = DECODERS[media].page(media.page([], version=7))
    assert (page.items, page.continue_token, page.remaining) == ([], None, None)


@pytest.mark.parametrize("items", ['"items": null', '"items": []', '"kind": "PodList"'])
def test_an_empty_list_may_carry_null_nothing_or_no_items(items):
    page = DECODERS[JSON].page(b'{"metadata": {"resourceVersion": "7"}, %s}' % items.encode())
    assert (page.items, page.resource_version) == ([], "7")


@each_media
def test_what_has_no_resource_version_is_no_list_even_where_it_decodes_as_an_empty_one(media):
    """A Status with code 200, or an empty message, would otherwise delete everything."""
    for body in (media.status(200, "fine"), media.page([], version="")):
        with pytest.raises(BadStream):
            DECODERS[media].page(body)
    with pytest.raises(BadStream):
        DECODERS[PROTOBUF].page(b"k8s\0")


def test_an_object_of_wrong_types_costs_a_json_page_nothing_but_itself():
    bad = [
        pod("x") | {"spec": {"hostNetwork": "yes"}},
        {"metadata": 5},
        None,
        5,
        {},
        pod("y", ownerReferences={"no": "list"}),
    ]
    page = DECODERS[JSON].page(JSON.page([pod("a"), *bad, pod("b")], version=7, token="t"))  # type: ignore[list-item]
    assert _uids(page.items) == ["a", "b"]
    assert (page.unreadable, page.resource_version, page.continue_token) == (6, "7", "t")


def test_an_object_that_is_no_message_costs_a_protobuf_page_nothing_but_itself():
    meta = data(1, data(2, "7"))
    bad = [b"\xff\xff", pod_bytes(pod("x"))[:-3], data(1, data(5, b"u\xff"))]
    body = wrapped(meta + b"".join(data(2, one) for one in [pod_bytes(pod("a")), *bad, pod_bytes(pod("b"))]))
    page = DECODERS[PROTOBUF].page(body)
    assert (_uids(page.items), page.unreadable) == (["a", "b"], 3)


def test_bytes_that_are_no_utf8_are_replaced_in_json_where_they_matter_and_never_looked_at_where_they_do_not():
    body = JSON.page([pod("a", name="NAME"), pod("b", annotations={"x": "SKIPPED"})], version=7)
    page = DECODERS[JSON].page(body.replace(b"NAME", b"n\xffn").replace(b"SKIPPED", b"\xff\xfe"))
    assert [item.metadata.name for item in page.items] == ["n\ufffdn", "name-b"]
    assert page.unreadable == 0


def test_bytes_that_are_no_utf8_leave_out_a_protobuf_object_where_they_matter_and_are_never_looked_at_where_they_do_not():
    """As bytes in a record they would be a message that no reader of ours can decode."""
    body = PROTOBUF.page([pod("a", name="NAME"), pod("b", annotations={"x": "SKIP"})], version=7)
    page = DECODERS[PROTOBUF].page(body.replace(b"NAME", b"n\xff\xffn").replace(b"SKIP", b"\xff\xfe\xff\xfe"))
    assert (_uids(page.items), page.unreadable) == (["b"], 1)
    with pytest.raises(BadStream):
        DECODERS[PROTOBUF].page(PROTOBUF.page([], version="VV").replace(b"VV", b"\xff\xff"))


@each_media
def test_two_megabytes_of_annotations_are_skipped(media):
    large = pod("a", annotations={"blob": "x" * 2_000_000})
    page = DECODERS[media].page(media.page([large, pod("b")], version=7))
    assert _uids(page.items) == ["a", "b"]
    assert _event(media, media.event("ADDED", large)) == Changed(page.items[0])


@each_media
def test_unknown_fields_are_skipped(media):
    unknown = pod("a", labels={"app": "web"}, generateName="web-")
    assert _uids(DECODERS[media].page(media.page([unknown], version=7)).items) == ["a"]


@each_media
@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"k8s\0\xff\xff", b"[]", b'{"metadata":', b"\0" * 50])
def test_a_body_that_is_no_list_is_refused(media, body):
    with pytest.raises(BadStream):
        DECODERS[media].page(body)


def test_json_that_is_nested_without_end_is_refused_and_not_a_crash():
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(BadStream):
        DECODERS[JSON].page(
            b'{"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {"uid": "u"}, "x": %s}]}' % deep
        )
    with pytest.raises(BadStream):
        DECODERS[JSON].event(b'{"type": "ADDED", "object": {"metadata": {"uid": "u"}, "x": %s}}' % deep)
    assert DECODERS[JSON].failure(b'{"code": 500, "details": %s}' % deep) is None


# Watch events ------------------------------------------------------------------------------------------------------------------------


@each_media
@pytest.mark.parametrize("type_", ["ADDED", "MODIFIED"])
def test_added_and_modified_bring_the_object(media, type_):
    event = _event(media, media.event(type_, pod("a", version=9)))
    assert isinstance(event, Changed)
    assert (event.item.metadata.uid, event.item.metadata.resourceVersion) == ("a", "9")


@each_media
def test_deleted_brings_the_uid_and_the_version_of_the_deletion(media):
    assert _event(media, media.event("DELETED", pod("a", version=9))) == Deleted("a", "9")
    assert _event(media, media.event("DELETED", {"metadata": {}})) == Deleted("", "")


def test_a_deletion_is_taken_whatever_else_of_the_object_is_bad():
    """Else the object would be kept until the next list."""
    bad_json = pod("a", version=9, ownerReferences=5) | {"status": "bad"}
    assert _event(JSON, JSON.event("DELETED", bad_json)) == Deleted("a", "9")
    bad_protobuf = data(1, data(1, b"n\xff") + data(5, "a") + data(6, "9")) + data(3, b"\xff")
    assert _event(PROTOBUF, PROTOBUF.event_of("DELETED", bad_protobuf)) == Deleted("a", "9")


@each_media
def test_a_bookmark_brings_its_version(media):
    assert _event(media, media.bookmark(9)) == Bookmark("9", ends_initial_events=False)


@each_media
def test_only_the_annotated_bookmark_ends_the_initial_events(media):
    assert _event(media, media.bookmark(9, ends_initial_events=True)) == Bookmark("9", ends_initial_events=True)
    other = {"metadata": {"resourceVersion": "9", "annotations": {"k8s.io/initial-events-end": "false", "x": "true"}}}
    assert _event(media, media.event("BOOKMARK", other)) == Bookmark("9", ends_initial_events=False)


@each_media
@pytest.mark.parametrize("meta", [{}, {"resourceVersion": ""}])
def test_a_bookmark_without_a_version_is_left_out(media, meta):
    with pytest.raises(BadObject):
        _event(media, media.event("BOOKMARK", {"metadata": meta}))


@each_media
def test_an_error_event_brings_code_and_text(media):
    assert _event(media, media.error(410, "too old")) == Failure(410, "too old")


def test_an_error_event_without_a_status_is_a_failure_all_the_same():
    assert _event(JSON, b'{"type": "ERROR", "object": "?"}\n') == Failure(0, "")
    assert _event(PROTOBUF, PROTOBUF.event_of("ERROR", b"\xff")) == Failure(0, "")


@each_media
def test_an_event_of_an_unknown_type_is_left_out(media):
    with pytest.raises(BadObject):
        _event(media, media.event("POLISHED", pod("a")))


def test_an_event_with_an_object_of_wrong_types_is_left_out():
    with pytest.raises(BadObject):
        _event(JSON, JSON.event("ADDED", {"metadata": {"uid": 5}}))
    with pytest.raises(BadObject):
        _event(PROTOBUF, PROTOBUF.event_of("MODIFIED", b"\xff"))
    with pytest.raises(BadObject):
        _event(JSON, JSON.event("DELETED", {"metadata": 5}))
    with pytest.raises(BadObject):
        _event(PROTOBUF, PROTOBUF.event_of("DELETED", b"\xff"))


def test_a_json_event_with_bytes_that_are_no_utf8_is_taken():
    line = JSON.event("ADDED", pod("a", name="NAME", annotations={"x": "SKIPPED"}))
    event = _event(JSON, line.replace(b"NAME", b"\xff").replace(b"SKIPPED", b"\xfe"))
    assert isinstance(event, Changed)
    assert event.item.metadata.name == "\ufffd"


OBJECT_UNWRAPPED = data(1, "ADDED") + data(2, data(1, pod_bytes(pod("a"))))
OBJECT_BADLY_WRAPPED = data(1, "ADDED") + data(2, data(1, b"k8s\0\xff"))


@each_media
@pytest.mark.parametrize(
    "piece",
    [b"", b"<html>", b"{}", b'{"type": 5}', b"\xff\xff\xff", b"\x0a\x05ADDED", OBJECT_UNWRAPPED, OBJECT_BADLY_WRAPPED],
)
def test_what_is_no_event_shows_that_the_stream_is_broken(media, piece):
    with pytest.raises(BadStream):
        DECODERS[media].event(piece)


@each_media
def test_the_reason_stands_in_for_a_missing_text(media):
    status = (
        b'{"reason": "Forbidden", "code": 403}' if media is JSON else wrapped(data(4, "Forbidden") + b"\x30\x93\x03")
    )
    assert DECODERS[media].failure(status) == Failure(403, "Forbidden")


@each_media
def test_a_body_that_is_no_status_has_no_text(media):
    for body in (b"<html><body>502 Bad Gateway</body></html>", b"", b"\xff", wrapped(b"\xff")):
        assert DECODERS[media].failure(body) is None


def test_owners_are_read_from_whole_objects_and_from_their_metadata_alone():
    """A server that has no PartialObjectMetadata sends the objects whole."""
    for decoder, media in ((JsonDecoder(PartialObject), JSON), (ProtobufDecoder(PartialObject), PROTOBUF)):
        page = decoder.page(media.page([pod("a"), {"metadata": {"uid": "b"}}], version=7))
        assert _uids(page.items) == ["a", "b"]
