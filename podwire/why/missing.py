"""Why the matcher knows of no pod that was asked for: what of the pipeline could keep it from knowing. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from common.wanted import ByAddress, ByContainer, ByName, ByUid, Wanted
from podwire.why.asked import Asked

Json = Mapping[str, Any]


def reasons(wanted: Wanted, asked: Asked) -> list[str]:
    """In words, a sentence each, the most telling first; there is at least one."""
    if isinstance(asked.matcher, str):
        return [f"the matcher does not answer ({asked.matcher}): start it, or look into its log"]
    watcher = asked.states.get("watcher-pods", "not running")
    if isinstance(watcher, str) or isinstance(asked.pods, str):
        why = watcher if isinstance(watcher, str) else asked.pods
        return [f"the matcher knows of none, and the watcher of pods does not answer ({why})"]
    if asked.pods["uids"]:
        return [_only_watcher(asked.pods["uids"], asked.states.get("matcher", {}))]
    return list(_not_watched(wanted, watcher)) or [_not_there(wanted, watcher)]


def _only_watcher(uids: list[str], matcher: Json | str) -> str:
    follower = {} if isinstance(matcher, str) else matcher.get("watchers", {}).get("pods", {})
    if follower.get("follows") == "Following":
        return (
            f"the watcher of pods has it ({', '.join(uids)}) and the matcher has not: ask again, it may just have come"
        )
    return f"the watcher of pods has it ({', '.join(uids)}), and the matcher has yet to take its snapshot of them"


def _not_watched(wanted: Wanted, watcher: Json) -> Iterator[str]:
    scopes = watcher["scopes"]
    names = {scope["namespace"] for scope in scopes}
    if isinstance(wanted, ByName) and "all" not in names and wanted.namespace not in names:
        yield f"namespace {wanted.namespace} is not watched: --namespace names {', '.join(sorted(names))}"
        return
    for scope in scopes:
        if isinstance(wanted, ByName) and scope["namespace"] not in ("all", wanted.namespace):
            continue
        yield from _of_scope(scope)


def _of_scope(scope: Json) -> Iterator[str]:
    where = "in all namespaces" if scope["namespace"] == "all" else f"in namespace {scope['namespace']}"
    if scope["denied"]:
        yield f"pods may not be read {where}: {scope['denied']} (podwire check says how to allow it)"
    if scope.get("list"):
        done = scope["list"]
        about = f" of about {done['of_about']:,}" if done["of_about"] else ""
        yield f"the list of pods {where} is under way, {done['objects']:,}{about} so far: it may be still to come"
    elif scope["condition"] == "listing":
        yield f"pods have not been listed {where}: {scope['last_error'] or 'the API server has not answered yet'}"
    for selector, text in scope.get("selectors", {}).items():
        yield f"only pods that the {selector} {text!r} picks are watched {where}"


def _not_there(wanted: Wanted, watcher: Json) -> str:
    seen = f"the watcher of pods follows a complete list of {watcher['objects']:,} pods"
    match wanted:
        case ByName(namespace=namespace, name=name):
            return f"{seen}, and no {namespace}/{name} is among them: it is not in the cluster, or no longer"
        case ByUid(uid=uid):
            hint = "" if uid.count("-") == 4 else "; a pod's name is asked for as NAMESPACE/POD"
            return f"{seen}, and none of them has the UID {uid}{hint}"
        case ByAddress(ip=ip):
            return f"{seen}, and none of them has the address {ip}: is it a Service's or a node's?"
        case ByContainer(digits=digits):
            return f"{seen}, and none of their containers' IDs begins with {digits}"
        case _:
            assert_never(wanted)
