"""Hypothesis strategies for messages and records."""

from hypothesis import strategies as st

from common.messages import (
    AnyMessage,
    Apply,
    Beat,
    Condition,
    Delete,
    Emission,
    Emissions,
    Epoch,
    Event,
    Incarnation,
    Init,
    InitDone,
    Link,
    PodContainers,
    PodDelete,
    PodNew,
    Report,
    Resync,
    Sequence,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
    Usage,
)
from common.records import KINDS, UID, Container, ContainerId, Controller, OwnerRecord, PodRecord, Record, pack_record

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
uids = texts.map(UID)
numbers = st.integers(0, 2**63 - 1)
kinds = st.sampled_from(KINDS)
incarnations = texts.map(Incarnation)
epochs = numbers.map(Epoch)
sequences = numbers.map(Sequence)

controllers = st.none() | st.builds(Controller, uid=uids, kind=texts, group=texts, name=texts)
container_ids = st.binary(max_size=40).map(ContainerId)
containers = st.builds(Container, kind=st.integers(0, 2), id=container_ids, name=texts, image=texts)
pods = st.builds(
    PodRecord,
    uid=uids,
    ips=st.lists(texts, max_size=3),
    controller=controllers,
    host_network=st.booleans(),
    namespace=texts,
    name=texts,
    containers=st.lists(containers, max_size=3),
)
owners = st.builds(OwnerRecord, uid=uids, controller=controllers)
records = (pods | owners).map(pack_record) | st.builds(Record, st.binary(max_size=20), uids, st.binary(max_size=20))
"""Packed; some cannot be unpacked."""

usages = st.builds(Usage, *(numbers for _ in Usage.__struct_fields__))
events: st.SearchStrategy[Event] = st.one_of(
    st.just(Init()), st.builds(Apply, record=records), st.builds(Delete, uid=uids), st.just(InitDone())
)
emissions: st.SearchStrategy[Emission] = st.one_of(
    st.just(Resync()),
    st.builds(
        PodNew,
        record=records,
        ip=texts,
        owner_kind=st.integers(0, 255),
        owner_name=texts,
        owner_uid=texts,
        containers=st.booleans(),
    ),
    st.builds(PodContainers, uid=uids, containers=st.lists(containers, max_size=3)),
    st.builds(PodDelete, uid=uids),
)
messages: st.SearchStrategy[AnyMessage] = st.one_of(
    st.builds(
        Updates,
        kind=kinds,
        incarnation=incarnations,
        sequence=sequences,
        stamp_ns=numbers,
        events=st.lists(events, max_size=4),
    ),
    st.builds(
        Beat,
        kind=kinds,
        incarnation=incarnations,
        sequence=sequences,
        condition=st.sampled_from(Condition),
        usage=usages,
    ),
    st.builds(SnapshotAsk, request=numbers, index=numbers),
    st.builds(
        SnapshotChunk,
        request=numbers,
        index=numbers,
        kind=kinds,
        incarnation=incarnations,
        sequence=sequences,
        condition=st.sampled_from(Condition),
        records=st.lists(records, max_size=4),
        last=st.booleans(),
    ),
    st.builds(SnapshotGone, request=numbers, incarnation=incarnations),
    st.builds(
        Emissions,
        relay=incarnations,
        connection=numbers,
        matcher=incarnations,
        epoch=epochs,
        first=numbers,
        stamp_ns=numbers,
        emissions=st.lists(emissions, max_size=4),
    ),
    st.builds(Report, matcher=incarnations, healthy=st.booleans(), usage=usages),
    st.builds(
        Link,
        relay=incarnations,
        connection=numbers,
        connected=st.booleans(),
        since_ns=numbers,
        epoch=epochs,
        matcher=incarnations,
        taken=numbers,
        broken=st.booleans(),
        accepting=st.booleans(),
    ),
)
