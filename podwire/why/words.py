"""What the matcher knows of a pod, as lines for people."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from podwire.overview.model import duration

Json = Mapping[str, Any]

_ENDS = {
    "orphan": "nothing controls {of}: it is the owner itself",
    "waiting": "its record has not come yet",
    "provisional": "its record did not come in time: {of} stands in for the owner until it does (provisional)",
    "forbidden": "its record may not be read: {of} stands in for the owner (forbidden)",
    "late": "its kind could not be read in time: {of} stands in for the owner (late)",
    "deleted": "its record is gone, and had named nobody",
    "above": "no workload that podwire knows: {of} is the owner; --climb goes on",
}
"""What stands at the end of the way up, by why it ends there."""


def pod_lines(pod: Json, *, owners: Mapping[str, bool], now: float) -> Iterator[str]:
    """Of one pod in a /why answer that came at `now`, in seconds since the Unix epoch."""
    yield f"pod {pod['namespace']}/{pod['name']}"
    yield _line("uid", pod["uid"])
    yield _line("address", _address(pod))
    for container in pod["containers"]:
        yield _line("container", f"{container['name']}: {container['id'] or 'not made yet'}")
        yield _line("", f"{container['kind']}, {container['image']}")
    first = "owner"
    for text in _way_up(pod):
        yield _line(first, text)
        first = ""
    yield _line("sent", _sent(pod["sent"], now))
    first = "not sent"
    for obstacle in pod["not_sent"]:
        yield _line(first, _obstacle(obstacle, owners))
        first = ""


def upstream_line(upstream: Json) -> str:
    """How things stand with the reducer, for all pods."""
    if not upstream["epoch"]:
        return "No epoch has been opened yet."
    opened = f"opened {duration(upstream['opened_age_seconds'])} ago ({', '.join(upstream['reasons'])})"
    if not upstream["open"]:
        return f"Epoch {upstream['epoch']}, {opened}, is closed."
    taken = f"the relay had taken {upstream['emissions_taken']:,} of {upstream['emissions_sent']:,} emissions when it last said so"
    return f"Epoch {upstream['epoch']}, {opened}, is open; {taken}."


def _line(name: str, text: str) -> str:
    return f"  {name:10} {text}"


def _address(pod: Json) -> str:
    others = [ip for ip in pod["ips"] if ip != pod["ip"]]
    network = ", of its node (hostNetwork)" if pod["host_network"] else ""
    return (pod["ip"] or "none yet") + network + (f"; also {', '.join(others)}" if others else "")


def _way_up(pod: Json) -> Iterator[str]:
    """A line for each step: who is named, and what says so."""
    of = f"pod {pod['name']}"
    for step in pod["chain"]:
        controller, source = step["controller"], step["source"]
        if controller is not None:
            said = "as its record says"
            if source == "deleted":
                said = "as its record said, which is gone"
            text = f"{controller['kind']} {controller['name']} controls {of}, {said}"
            yield text if source != "above" else f"{text}; {_ENDS[source].format(of=of)}"
            of = f"{controller['kind']} {controller['name']}"
        elif step["of"] == "Pod":
            yield "none: nothing controls the pod (orphan)"
        else:
            since = f", for {duration(step['waiting_seconds'])}" if source == "waiting" else ""
            yield _ENDS[source].format(of=of) + since


def _sent(sent: Json | None, now: float) -> str:
    if sent is None:
        return "never, as far as this matcher knows"
    age = sent["age_seconds"]
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now - age))
    last = f"last at {at} or up to {sent['within_seconds']:.0f} s later, about {duration(age)} ago"
    if sent["live"]:
        return f"{last}; the reducer has it (live in epoch {sent['epoch']})"
    return f"{last}, in epoch {sent['epoch']}, which is over"


def _obstacle(obstacle: Json, owners: Mapping[str, bool]) -> str:
    text = obstacle["text"]
    owner = obstacle.get("owner")
    if owner and owner["uid"] in owners:
        has = "has it" if owners[owner["uid"]] else "has not seen it either"
        text += f"; the watcher of its kind {has}"
    return str(text)


def all_lines(answer: Json, *, owners: Mapping[str, bool], now: float) -> Iterable[str]:
    """Of all pods in a /why answer."""
    found = answer["pods"]
    for number, pod in enumerate(found):
        if number:
            yield ""
        yield from pod_lines(pod, owners=owners, now=now)
    yield ""
    if answer["more"]:
        yield f"Only the first {len(found)} are shown: there are more."
    yield upstream_line(answer["upstream"])
