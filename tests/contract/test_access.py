"""Who may ask, what is served, and how refusals are worded."""

import pytest

from tests.contract.api import Api, Room


def test_the_server_says_what_it_is(api: Api) -> None:
    """If the version is asked for, then it is told, and the server is ready."""
    assert "gitVersion" in api.get("/version").body
    assert api.get("/readyz").text == b"ok"


@pytest.mark.parametrize(
    ("path", "name", "kind"),
    [("/api/v1", "pods", "Pod"), ("/apis/apps/v1", "replicasets", "ReplicaSet"), ("/apis/batch/v1", "jobs", "Job")],
)
def test_discovery_names_what_can_be_listed_and_watched(api: Api, path: str, name: str, kind: str) -> None:
    """If a client looks a resource up, then it finds its kind, that it has namespaces, and its verbs."""
    listed = api.get(path).body
    (found,) = [one for one in listed["resources"] if one["name"] == name]

    assert listed["groupVersion"] == path.removeprefix("/apis/").removeprefix("/api/")
    assert (found["kind"], found["namespaced"]) == (kind, True)
    assert {"get", "list", "watch", "create", "update", "patch", "delete"} <= set(found["verbs"])


def test_discovery_names_the_groups(api: Api) -> None:
    """If a client looks the groups up, then those of owners are among them, with their versions."""
    groups = {group["name"]: group for group in api.get("/apis").body["groups"]}

    assert api.get("/api").body["versions"] == ["v1"]
    for name in ("apps", "batch"):
        assert groups[name]["preferredVersion"]["version"] == "v1"
        assert api.get(f"/apis/{name}").body["versions"][0]["groupVersion"] == f"{name}/v1"


def test_an_object_that_is_not_there_is_named(room: Room) -> None:
    """If an object is not found, then the Status names it, its resource and its group."""
    pod = room.api.get(f"{room.pods}/missing")
    job = room.api.get(f"{room.jobs}/missing")

    assert (pod.status, pod.body["reason"], pod.body["message"]) == (404, "NotFound", 'pods "missing" not found')
    assert pod.body["details"] == {"name": "missing", "kind": "pods"}
    assert job.body["message"] == 'jobs.batch "missing" not found'
    assert job.body["details"] == {"name": "missing", "group": "batch", "kind": "jobs"}


def test_a_resource_that_is_not_served_is_not_found(api: Api) -> None:
    """If a resource is unknown, then the answer is 404 with a Status that names nothing."""
    answer = api.get("/api/v1/nonsense")

    assert (answer.status, answer.body["reason"]) == (404, "NotFound")
    assert answer.body["message"] == "the server could not find the requested resource"
    assert api.get("/apis/nonsense.example/v1/things").status == 404
    assert api.get("/nonsense").status == 404


def test_a_method_that_a_path_does_not_take_is_refused(api: Api) -> None:
    """If a collection is replaced, then the answer is 405."""
    answer = api.call("PUT", "/api/v1/pods", body={})

    assert (answer.status, answer.body["reason"]) == (405, "MethodNotAllowed")


def test_a_pod_cannot_be_made_in_a_namespace_that_is_not_there(api: Api) -> None:
    """If the server has namespaces as objects, then creating needs one."""
    if "namespaces" not in api.resources:
        pytest.skip("this server takes any namespace")
    body = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "main", "image": "i"}]}}

    answer = api.call("POST", "/api/v1/namespaces/contract-never-made/pods", body=body)

    assert (answer.status, answer.body["message"]) == (404, 'namespaces "contract-never-made" not found')


def test_an_unknown_token_is_unauthorized(api: Api) -> None:
    """If the server checks tokens, then an unknown one gets 401, for lists and for watches."""
    if not api.checks_tokens:
        pytest.skip("this server takes any token")
    for query in ({}, {"watch": "true", "timeoutSeconds": 1}):
        answer = api.get("/api/v1/pods", token="wrong", **query)

        assert (answer.status, answer.body["reason"], answer.body["message"]) == (401, "Unauthorized", "Unauthorized")


def test_without_a_token_nothing_is_allowed(room: Room) -> None:
    """If the server checks tokens, then a request without one is anonymous, and forbidden in words that name verb, resource and scope."""
    if not room.api.checks_tokens:
        pytest.skip("this server takes requests without a token")

    everywhere = room.api.get("/apis/apps/v1/replicasets", token=None)
    here = room.api.get(f"{room.jobs}/one", token=None)
    watch = room.api.get(room.pods, token=None, watch="true")

    assert {everywhere.status, here.status, watch.status} == {403}
    anonymous = 'User "system:anonymous" cannot'
    assert everywhere.body["message"] == (
        f'replicasets.apps is forbidden: {anonymous} list resource "replicasets" in API group "apps" at the cluster scope'
    )
    assert here.body["message"] == (
        f'jobs.batch "one" is forbidden: {anonymous} get resource "jobs" in API group "batch" in the namespace "{room.namespace}"'
    )
    assert watch.body["message"] == (
        f'pods is forbidden: {anonymous} watch resource "pods" in API group "" in the namespace "{room.namespace}"'
    )
    assert everywhere.body["details"] == {"group": "apps", "kind": "replicasets"}


def test_a_client_can_ask_what_it_may_do(api: Api) -> None:
    """If the server answers access reviews, then the user of the kubeconfig may list pods."""
    if "selfsubjectaccessreviews" not in api.resources:
        pytest.skip("this server answers no access reviews")
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

    asked = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}}
    allowed = api.call("POST", reviews, body=asked)
    empty = api.call("POST", reviews, body={"spec": {}})

    assert (allowed.status, allowed.body["kind"]) == (201, "SelfSubjectAccessReview")
    assert allowed.body["status"]["allowed"] is True
    assert (empty.status, empty.body["reason"]) == (422, "Invalid")


REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def test_a_review_is_about_words_and_not_about_what_is_served(api: Api) -> None:
    """If a user may do everything, then also with a resource that nobody serves, in a namespace that is not there; the question is in
    the answer."""
    if "selfsubjectaccessreviews" not in api.resources:
        pytest.skip("this server answers no access reviews")
    attributes = {"verb": "watch", "group": "nonsense.example", "resource": "things", "namespace": "nowhere"}

    answer = api.call("POST", REVIEWS, body={"spec": {"resourceAttributes": attributes}})

    assert (answer.status, answer.body["status"]["allowed"]) == (201, True)
    assert answer.body["spec"]["resourceAttributes"] == attributes


def test_a_review_is_for_those_who_say_who_they_are(api: Api) -> None:
    """If a request has no token, then it may not ask for a review."""
    if "selfsubjectaccessreviews" not in api.resources or not api.checks_tokens:
        pytest.skip("this server answers no access reviews, or everybody")
    asked = {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}}}

    answer = api.call("POST", REVIEWS, body=asked, token=None)

    assert (answer.status, answer.body["reason"]) == (403, "Forbidden")
    assert answer.body["details"] == {"group": "authorization.k8s.io", "kind": "selfsubjectaccessreviews"}
    assert answer.body["message"] == (
        'selfsubjectaccessreviews.authorization.k8s.io is forbidden: User "system:anonymous" cannot create resource '
        '"selfsubjectaccessreviews" in API group "authorization.k8s.io" at the cluster scope'
    )
