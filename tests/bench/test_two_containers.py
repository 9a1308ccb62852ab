"""What part of an upstream is about pods and two containers of each."""

import random

import pytest

from bench.two_containers import messages, share
from common.messages import Emission, Epoch, PodContainers, Resync
from common.records import UID
from relay.compress import Compressor
from relay.encode import version_info
from relay.translate import Translator
from tests.fakes.pods import container, pod_new, record

PODS = 600


def upstream(*, third_of: int) -> list[bytes]:
    """A connection's bytes: pods of two containers, and one in `third_of` with a third."""
    chance, emissions = random.Random(1), list[Emission]()
    for at in range(PODS):
        ids = [f"containerd://{chance.getrandbits(256):064x}" for _ in range(3)]
        of = ids if third_of and at % third_of == 0 else ids[:2]
        pod = record(
            f"{chance.getrandbits(128):032x}",
            name=f"web-{at}",
            containers=[container(id_, name=f"c{n}") for n, id_ in enumerate(of)],
        )
        emissions.append(pod_new(pod))
    translator, compressor = Translator(lambda fault, uid: pytest.fail(f"{fault} {uid}")), Compressor()
    plain = [
        b"".join(translator.translate(emissions[at : at + 100], epoch=Epoch(1), first=2, stamp_ns=1))
        for at in range(0, PODS, 100)
    ]
    return [version_info(1, major=0, minor=11, patch=0), *map(compressor.compress, plain)]


def test_all_of_it_where_no_pod_has_a_third() -> None:
    assert share(upstream(third_of=0)) == 1.0


def test_a_container_that_is_started_anew_is_no_third() -> None:
    again = [
        record("u", containers=[container(f"docker://{n}{life}", name=f"c{n}") for n in "ab"]) for life in range(3)
    ]
    said = [pod_new(again[0]), *(PodContainers(UID("u"), one.containers) for one in again[1:])]
    translator = Translator(lambda fault, uid: pytest.fail(f"{fault} {uid}"))
    plain = b"".join(translator.translate(said, epoch=Epoch(1), first=2, stamp_ns=1))
    assert share([version_info(1, major=0, minor=11, patch=0), Compressor().compress(plain)]) == 1.0


def test_after_a_resync_containers_are_counted_anew() -> None:
    first, renamed = ([container(f"docker://{name}", name=name) for name in names] for names in ("ab", "cd"))
    said = [pod_new(record("u", containers=first)), Resync(), pod_new(record("u", containers=renamed))]
    translator = Translator(lambda fault, uid: pytest.fail(f"{fault} {uid}"))
    halves = (said[:1], said[1:])
    plain = b"".join(b"".join(translator.translate(half, epoch=Epoch(1), first=1, stamp_ns=1)) for half in halves)
    assert share([version_info(1, major=0, minor=11, patch=0), Compressor().compress(plain)]) == 1.0


def test_a_message_that_was_cut_short_is_left_out() -> None:
    """The bench cuts a connection to see it come back."""
    (version, _), *_ = messages(version_info(1, major=0, minor=11, patch=0) * 2)
    for end in range(len(version)):
        assert [raw for raw, _ in messages(version + version[:end])] == [version]


@pytest.mark.parametrize(("third_of", "within"), [(1, 0.01), (10, 0.002)])
def test_as_much_as_would_have_come_without_the_third(third_of: int, within: float) -> None:
    two, three = (sum(map(len, upstream(third_of=each))) for each in (0, third_of))
    assert share(upstream(third_of=third_of)) == pytest.approx(two / three, abs=within)
    assert two < three
