"""Can the run directory be used, and what of a pipeline runs in it?"""

import os
import socket
import stat
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path

from common.errors import UsageError
from common.place import prepare_run_dir
from common.records import KINDS
from common.sockets import emissions_endpoint, link_endpoint, snapshots_endpoint, updates_endpoint
from common.version import VERSION
from podwire.check.findings import Finding
from podwire.probe import runs_here
from podwire.states import States, read_states


def probe_run_dir(run_dir: Path) -> list[Finding]:
    """Whether stages could meet there. Nothing is left behind, and the directory is not made."""
    try:
        _endpoints(run_dir)
        if run_dir.exists():
            prepare_run_dir(run_dir)
        parent = next(one for one in (run_dir.absolute(), *run_dir.absolute().parents) if one.exists())
        tempfile.TemporaryDirectory(prefix=".podwire-check-", dir=parent).cleanup()
    except UsageError as error:
        return [Finding("run-dir", "problem", str(error))]
    except OSError as error:
        says = f"nothing can be made for {run_dir}: {error.strerror}"
        return [Finding("run-dir", "problem", says, "choose another --run-dir")]
    if run_dir.exists():
        return [_open_to_others(run_dir) or Finding("run-dir", "ok", f"{run_dir} can be used")]
    return [Finding("run-dir", "ok", f"{run_dir} can be made")]


def probe_stages(run_dir: Path, stages: Iterable[str], *, on_tcp: Collection[str] = ()) -> list[Finding]:
    """What runs, of which version, and whether its sockets answer. Where nothing runs, that is no problem: this may be before the start.

    The run directory may be a volume of several containers: a stage whose sockets answer runs in another one. Those of stages `on_tcp`
    are left alone: a connection of nobody that they know would be counted there as refused.
    """
    states = {stage: state for stage, state in read_states(run_dir).items() if stage in stages}
    endpoints = {stage: [] if stage in on_tcp else found for stage, found in _endpoints(run_dir).items()}
    here = {stage for stage in states if runs_here(str(run_dir), stage)}
    elsewhere = {stage for stage in states if stage not in here and any(map(_accepts, endpoints[stage]))}
    if not here | elsewhere:
        return [Finding("stages", "ok", f"none runs in {run_dir}")]
    found = []
    for stage in states:
        if stage in here:
            found.append(_of_stage(stage, states, endpoints[stage]))
        elif stage in elsewhere:
            found.append(Finding("stages", "ok", f"{stage} runs, in another container"))
        else:
            found.append(_not_running(stage, alone=not elsewhere))
    return found


def _of_stage(stage: str, states: States, endpoints: list[str]) -> Finding:
    state = states[stage]
    deaf = [name for name in endpoints if not _accepts(name)]
    if deaf:
        says = f"{stage} runs, but nobody answers at {', '.join(deaf)}"
        return Finding("stages", "problem", says, "was the socket's file removed? restart the stage")
    if isinstance(state, str):
        return Finding("stages", "note", f"{stage} runs; its admin HTTP does not answer here ({state})")
    runs = f"{stage} runs as process {state['pid']}, version {state['version']}"
    if state["version"] != VERSION:
        return Finding("stages", "problem", f"{runs}; this is {VERSION}", "restart it with the version of the others")
    if state["not_ready"]:
        return Finding("stages", "note", f"{runs}: {state['not_ready']}")
    return Finding("stages", "ok", f"{runs}, in sync")


def _not_running(stage: str, *, alone: bool) -> Finding:
    if not alone:
        return Finding("stages", "note", f"{stage} does not run here; it may in another container")
    return Finding("stages", "problem", f"{stage} does not run, while others do", "start it, or look into its log")


def _endpoints(run_dir: Path) -> dict[str, list[str]]:
    """What each stage binds. Raises UsageError where that cannot be."""
    found = {f"watcher-{kind}": [updates_endpoint(run_dir, kind), snapshots_endpoint(run_dir, kind)] for kind in KINDS}
    return {**found, "matcher": [], "relay": [emissions_endpoint(run_dir), link_endpoint(run_dir)]}


def _accepts(endpoint: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2.0)
        try:
            probe.connect(endpoint.removeprefix("ipc://"))
        except OSError:
            return False
    return True


def _open_to_others(run_dir: Path) -> Finding | None:
    found = run_dir.stat()
    mode = stat.S_IMODE(found.st_mode)
    # A volume that the kubelet made for the Pod is root's, open to all and in no other Pod: nothing that its user could mend.
    if not mode & 0o077 or mode & stat.S_ISVTX or found.st_uid != os.getuid():
        return None
    says = f"other users may enter {run_dir} (mode {mode:04o}): whoever enters can read pods, and speak to the stages"
    return Finding("run-dir", "note", says, run=f"chmod 700 {run_dir}")
