"""Asks the matcher what it knows of a pod, and the watchers what they know where the matcher does not know enough."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from podwire.ask import NoAnswer, admin_of, ask_json
from podwire.stages import STAGES
from podwire.states import States, read_states, read_states_at

Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What everybody said. Where a process gave no answer, its words are why."""

    states: States
    matcher: Json | str
    """The matcher's /why."""
    pods: Json | str
    """The /knows of the watcher of pods; asked only where the matcher knows of no such pod."""
    owners: Mapping[str, bool]
    """For each owner that a pod waits for, by UID: whether its watcher has it. Those that cannot be asked are left out."""


def ask_all(what: str, *, run_dir: Path, addresses: Iterable[str]) -> Asked:
    """Asks those of the run directory, or at these addresses."""
    given = tuple(addresses)
    states, where = _at(given) if given else (read_states(run_dir), _in(run_dir))
    matcher = _ask(where, "matcher", f"/why?{urlencode({'what': what})}")
    found = matcher["pods"] if isinstance(matcher, Mapping) else []
    return Asked(
        states=states,
        matcher=matcher,
        pods="" if found else _ask(where, "watcher-pods", f"/knows?{urlencode({'what': what})}"),
        owners=dict(_owners(where, found)),
    )


def _owners(where: Mapping[str, str], found: Iterable[Json]) -> Iterator[tuple[str, bool]]:
    kinds = {"ReplicaSet": "replicasets", "Job": "jobs"}
    for pod in found:
        for obstacle in pod["not_sent"]:
            owner = obstacle.get("owner")
            if owner:
                answer = _ask(where, f"watcher-{kinds[owner['kind']]}", f"/knows?{urlencode({'what': owner['uid']})}")
                if isinstance(answer, Mapping):
                    yield owner["uid"], bool(answer["uids"])


def _ask(where: Mapping[str, str], stage: str, path: str) -> Json | str:
    if stage not in where:
        return "not running"
    try:
        answer = ask_json(where[stage], path)
    except NoAnswer as reason:
        return str(reason)
    return answer if isinstance(answer, Mapping) else f"{where[stage]} does not answer with an object"


def _in(run_dir: Path) -> dict[str, str]:
    """Addresses by stage."""
    found = {}
    for stage in STAGES:
        try:
            found[stage] = admin_of(run_dir, stage)
        except NoAnswer:
            continue
    return found


def _at(addresses: Iterable[str]) -> tuple[States, dict[str, str]]:
    states: dict[str, dict[str, Any] | str] = {}
    where: dict[str, str] = {}
    for address in addresses:
        for name, state in read_states_at([address]).items():
            states[name] = state
            where[name] = address
    return states, where
