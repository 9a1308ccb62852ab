"""What podwire keeps of an object (design.md, "A pod's record" and "An owner's record")."""

import pytest

from common.container_ids import container_id
from common.records import (
    ContainerKind,
    Controller,
    OwnerRecord,
    PodRecord,
    Record,
    pack_record,
    unpack_owner,
    unpack_pod,
)
from watcher import normalize
from watcher.objects import (
    ContainerStatus,
    ObjectMeta,
    OwnerReference,
    PartialObject,
    Pod,
    PodIP,
    PodSpec,
    PodStatus,
)


def _pod(*, meta: ObjectMeta | None = None, spec: PodSpec | None = None, status: PodStatus | None = None) -> PodRecord:
    normalized = normalize.pod(Pod(metadata=meta or ObjectMeta(uid="u"), spec=spec, status=status))
    assert normalized is not None
    record = unpack_pod(normalized)
    assert normalized == pack_record(record)
    return record


def _controller(*references: OwnerReference) -> Controller | None:
    return _pod(meta=ObjectMeta(uid="u", ownerReferences=list(references))).controller


def test_a_pod_of_which_nothing_but_the_uid_is_known_gives_an_empty_record():
    assert _pod() == PodRecord("u", [], None, False, "", "", [])


def test_name_and_namespace_are_kept():
    record = _pod(meta=ObjectMeta(uid="u", name="web-1", namespace="shop"))
    assert (record.namespace, record.name) == ("shop", "web-1")


@pytest.mark.parametrize("uid", [None, ""])
def test_an_object_without_a_uid_has_no_record(uid):
    assert normalize.pod(Pod(metadata=ObjectMeta(uid=uid, name="web-1"))) is None
    assert normalize.owner(PartialObject(metadata=ObjectMeta(uid=uid, name="web-1"))) is None


def test_only_the_reference_with_controller_true_counts_as_an_owner():
    assert _controller(
        OwnerReference(apiVersion="v1", kind="Node", name="n", uid="1", controller=False),
        OwnerReference(apiVersion="v1", kind="Node", name="n", uid="2"),
        OwnerReference(apiVersion="apps/v1", kind="ReplicaSet", name="web", uid="3", controller=True),
    ) == Controller("3", "ReplicaSet", "apps", "web")
    assert _controller(OwnerReference(apiVersion="v1", kind="Node", name="n", uid="1", controller=False)) is None


@pytest.mark.parametrize(
    ("api_version", "group"),
    [("apps/v1", "apps"), ("v1", ""), ("argoproj.io/v1alpha1", "argoproj.io"), ("", ""), (None, "")],
)
def test_a_controllers_group_is_that_of_its_api_version(api_version, group):
    found = _controller(OwnerReference(apiVersion=api_version, kind="K", name="n", uid="1", controller=True))
    assert found == Controller("1", "K", group, "n")


def test_a_controller_without_a_uid_is_none_since_nothing_can_be_found_by_it():
    assert _controller(OwnerReference(apiVersion="v1", kind="K", name="n", controller=True)) is None


def test_ips_begin_with_pod_ip_and_hold_no_address_twice():
    status = PodStatus(
        podIP="10.0.0.2", podIPs=[PodIP("fd00::2"), PodIP("10.0.0.2"), PodIP(""), PodIP(None), PodIP("fd00::2")]
    )
    assert _pod(status=status).ips == ["10.0.0.2", "fd00::2"]


def test_pod_ips_count_where_pod_ip_is_empty():
    assert _pod(status=PodStatus(podIP="", podIPs=[PodIP("10.0.0.2")])).ips == ["10.0.0.2"]


@pytest.mark.parametrize(
    ("spec", "host"), [(None, False), (PodSpec(), False), (PodSpec(False), False), (PodSpec(True), True)]
)
def test_host_network_is_true_only_where_it_is_said(spec, host):
    assert _pod(spec=spec).host_network is host


def test_containers_of_the_three_lists_come_verbatim_main_ones_first():
    status = PodStatus(
        initContainerStatuses=[ContainerStatus("init", "busybox:1", "docker://1")],
        ephemeralContainerStatuses=[ContainerStatus("debug", "sh", "cri-o://3")],
        containerStatuses=[
            ContainerStatus("main", "repo/nginx@sha256:0", "containerd://2"),
            ContainerStatus("side", "s", None),
        ],
    )
    assert [(one.kind, container_id(one.id), one.name, one.image) for one in _pod(status=status).containers] == [
        (ContainerKind.MAIN, "containerd://2", "main", "repo/nginx@sha256:0"),
        (ContainerKind.MAIN, "", "side", "s"),
        (ContainerKind.INIT, "docker://1", "init", "busybox:1"),
        (ContainerKind.EPHEMERAL, "cri-o://3", "debug", "sh"),
    ]


def test_pods_of_one_template_have_one_shape_and_nothing_of_it_is_their_own():
    def pod(uid: str, ip: str, id_: str, *, image: str = "nginx:1") -> Record:
        owner = OwnerReference(apiVersion="apps/v1", kind="ReplicaSet", name="web", uid="rs", controller=True)
        meta = ObjectMeta(uid=uid, name=f"web-{uid}", namespace="shop", ownerReferences=[owner])
        status = PodStatus(podIP=ip, containerStatuses=[ContainerStatus("main", image, id_)])
        return normalize.pod(Pod(metadata=meta, spec=PodSpec(True), status=status))

    one, two = pod("a", "10.0.0.1", "docker://1"), pod("b", "10.0.0.2", "docker://2")
    assert one.shape == two.shape != pod("a", "10.0.0.1", "docker://1", image="nginx:2").shape
    assert not any(text in one.own for text in (b"rs", b"shop", b"main", b"nginx:1"))


def test_an_owners_record_is_its_uid_and_its_controller_and_nothing_else():
    reference = OwnerReference(apiVersion="apps/v1", kind="Deployment", name="web", uid="d", controller=True)
    meta = ObjectMeta(uid="r", name="web-1", namespace="shop", ownerReferences=[reference])
    record = normalize.owner(PartialObject(metadata=meta))
    assert record is not None
    assert unpack_owner(record) == OwnerRecord("r", Controller("d", "Deployment", "apps", "web"))


def test_replicasets_and_jobs_are_owners_and_pods_are_pods():
    assert {"pods": normalize.pod, "replicasets": normalize.owner, "jobs": normalize.owner} == normalize.NORMALIZERS
