"""May the user list and watch what the watchers follow? Asked with SelfSubjectAccessReviews, else by trying; what is missing comes
with the commands that grant it.

A review tells the truth without touching anything. Where the server has none, or keeps them from this user, a list of one object and a
watch that is hung up at once tell as much.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from common.records import Kind
from podwire.check.api import Api
from podwire.check.findings import Finding
from watcher.channel import query_string
from watcher.scope import PATHS, accept

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
VERBS = ("list", "watch")
NOBODY = "metadata.name=podwire-check"
"""A field selector that picks no object: a watch brings nothing but what is asked about."""

_USER = re.compile(r'User "([^"]+)" cannot')


class Verdict(NamedTuple):
    """Whether a verb is allowed."""

    allowed: bool
    why: str = ""
    """The server's words for a refusal."""


def probe_rights(api: Api, kinds: Iterable[Kind], namespaces: tuple[str, ...]) -> list[Finding]:
    """A finding for each kind that may be followed everywhere it should be, and one for each kind and namespace where not."""
    return [finding for kind in kinds for finding in _of_kind(api, kind, namespaces)]


def collection(kind: Kind, namespace: str | None) -> str:
    """The path that a watcher lists and watches."""
    root, resource = PATHS[kind]
    return f"{root}/namespaces/{namespace}/{resource}" if namespace else f"{root}/{resource}"


def grant(kind: Kind, verbs: Iterable[str], namespace: str | None, user: str) -> str:
    """The kubectl commands that allow the user these verbs, to be run by who may. Without a user, with a place for its name."""
    verbs = list(verbs)
    name = f"podwire-{'-'.join(verbs)}-{kind}"
    role, scope = ("role", f"-n {namespace} ") if namespace else ("clusterrole", "")
    account = user.removeprefix("system:serviceaccount:")
    subject = (
        f"--serviceaccount={shlex.quote(account)}"
        if account != user
        else f"--user={shlex.quote(user) if user else 'USER'}"
    )
    return (
        f"kubectl {scope}create {role} {name} --verb={','.join(verbs)} --resource={_full_name(kind)} && "
        f"kubectl {scope}create {role}binding {name} --{role}={name} {subject}"
    )


def _of_kind(api: Api, kind: Kind, namespaces: tuple[str, ...]) -> Iterator[Finding]:
    missing = False
    for namespace in namespaces or (None,):
        verdicts = {verb: _verdict(api, verb, kind, namespace) for verb in VERBS}
        refused = [verb for verb, verdict in verdicts.items() if not verdict.allowed]
        if refused:
            missing = True
            yield _missing(api, kind, namespace, {verb: verdicts[verb].why for verb in refused})
    if not missing:
        where = f"in {', '.join(namespaces)}" if namespaces else "in all namespaces"
        yield Finding("rights", "ok", f"list and watch {_full_name(kind)} {where}")


def _missing(api: Api, kind: Kind, namespace: str | None, refused: dict[str, str]) -> Finding:
    first = next(iter(refused))
    # A refusal by the API itself names the user, which a review does not.
    why = _tried(api, first, kind, namespace).why or refused[first]
    named = _USER.search(why)
    user = named[1] if named else ""
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    does = f"{' and '.join(refused)} {_full_name(kind)} {where}"
    if not user and not why.startswith("403"):
        return Finding("rights", "problem", f"cannot {does}: {why}")
    says = f"{user or 'the user of these credentials'} may not {does}"
    do = "let somebody who may grant it; or name namespaces with --namespace" if namespace is None else ""
    return Finding(
        "rights", "problem", says, do or "let somebody who may grant it", grant(kind, refused, namespace, user)
    )


def _verdict(api: Api, verb: str, kind: Kind, namespace: str | None) -> Verdict:
    asked = {"verb": verb, "group": _group(kind), "resource": kind} | ({"namespace": namespace} if namespace else {})
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    answer = api.post(REVIEWS, {**review, "spec": {"resourceAttributes": asked}})
    status = answer.json.get("status")
    if answer.status != 201 or not isinstance(status, dict):
        return _tried(api, verb, kind, namespace)
    return Verdict(bool(status.get("allowed")), f"403 {status.get('reason') or 'Forbidden'}")


def _tried(api: Api, verb: str, kind: Kind, namespace: str | None) -> Verdict:
    path = collection(kind, namespace)
    if verb == "list":
        answer = api.get(f"{path}?limit=1", accept=accept(kind, "json", watch=False))
    else:
        query = query_string({"watch": "true", "timeoutSeconds": "1", "fieldSelector": NOBODY})
        with api.watch(f"{path}?{query}", accept=accept(kind, "json", watch=True)) as (answer, _):
            pass
    return Verdict(answer.status == 200, "" if answer.status == 200 else answer.message)


def _group(kind: Kind) -> str:
    return PATHS[kind][0].removeprefix("/api").removeprefix("s/").partition("/")[0] if kind != "pods" else ""


def _full_name(kind: Kind) -> str:
    return f"{kind}.{_group(kind)}" if _group(kind) else kind
