"""Stages that are apart: on tcp:// with CURVE between them, each with its own keys only."""

import os
import signal
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import zmq

from bench import rig
from common import transport
from common.keys import KeyPair, new_pair, read_keys
from podwire.stages import STAGES
from tests.e2e.apart import Apart, apart
from tests.e2e.sandboxed import sandbox

pytestmark = pytest.mark.e2e


def test_a_storm_goes_through_and_each_stage_may_be_killed(tmp_path: Path) -> None:
    with sandbox(tmp_path, rate=200.0) as api, rig.reducer() as reducer, apart(api, reducer, tmp_path) as podwire:
        podwire.until_ready()
        for stage in STAGES:
            before = podwire.state(stage)["pid"]
            os.kill(before, signal.SIGKILL)
            podwire.processes[stage].wait()
            podwire.start(stage)
            podwire.until(
                lambda stage=stage, before=before: podwire.state(stage).get("pid", before) != before,
                stage,
                "a new life",
            )
            podwire.until_ready()
        podwire.assert_in_step()
        for stage in STAGES:
            if stage != "matcher":
                assert podwire.state(stage)["connections_refused"]["unknown_key"] == 0


def stranger(podwire: Apart, kind: int, own: KeyPair | None, *, stage: str, offset: int) -> zmq.Socket[bytes]:
    """Connects to one of a stage's sockets."""
    client = zmq.Context.instance().socket(kind)
    client.setsockopt(zmq.LINGER, 0)
    transport.tune(client)
    if own is not None:
        server = read_keys(podwire.directory / "keys" / "matcher", "matcher", others=[stage]).others[stage]
        transport.use_curve(client, own, server=server)
    client.connect(transport.endpoint(podwire.addresses[stage], offset=offset))
    return client


SOCKETS = [(f"watcher-{kind}", zmq.SUB, zmq.DEALER) for kind in ("pods", "replicasets", "jobs")] + [
    ("relay", zmq.PUSH, zmq.SUB)
]

GARBAGE = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01" + bytes(500),
    os.urandom(10_000),
    b"\xff" + bytes(8) + b"\x7f\x03" + bytes(60),
]


def refused(podwire: Apart, stage: str, *reasons: str) -> int:
    """How many connections the stage has refused, for these reasons or for any."""
    counts = podwire.state(stage)["connections_refused"]
    return sum(counts[reason] for reason in reasons or counts)


def refused_more(podwire: Apart, stage: str, than: int, *reasons: str) -> bool:
    return refused(podwire, stage, *reasons) > than


def test_strangers_are_refused_and_counted_and_nobody_dies_of_garbage(tmp_path: Path) -> None:
    """A key that nobody has let in, no key at all, and bytes that are no ZeroMQ, on each port; with each the pipeline goes on."""
    with sandbox(tmp_path, rate=50.0) as api, rig.reducer() as reducer, apart(api, reducer, tmp_path) as podwire:
        podwire.until_ready()
        for stage, *kinds in SOCKETS:
            for offset, kind in enumerate(kinds):
                with stranger(podwire, kind, new_pair(), stage=stage, offset=offset):
                    podwire.until(partial(refused_more, podwire, stage, offset, "unknown_key"), stage, "an unknown key")
                before = refused(podwire, stage)
                with stranger(podwire, kind, None, stage=stage, offset=offset):
                    podwire.until(partial(refused_more, podwire, stage, before), stage, "plain ZeroMQ")
                before = refused(podwire, stage)
                host, port = podwire.addresses[stage]
                for data in GARBAGE:
                    with socket.create_connection((host, port + offset)) as visitor:
                        visitor.sendall(data)
                podwire.until(partial(refused_more, podwire, stage, before + len(GARBAGE) - 1), stage, "garbage")
        podwire.until_ready()
        podwire.assert_in_step()
        secrets = [path.read_text().strip() for path in (tmp_path / "keys").glob("*/*.key")]
        for stage in STAGES:
            said = podwire.log(stage).read_text() + str(podwire.state(stage))
            assert not any(secret in said for secret in secrets)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["relay", "--listen", "tcp://0.0.0.0:7400"], "not on loopback"),
        (["watch", "pods", "--listen", "tcp://10.1.2.3:7400", "--kubeconfig", "KUBECONFIG"], "not on loopback"),
        (["match", "--relay", "tcp://10.1.2.3:7400"], "--relay: tcp://10.1.2.3:7400 is not on loopback"),
        (["relay", "--listen", "tcp://127.0.0.1:7400", "--keys", "nowhere"], "cannot read nowhere/relay.key"),
        (["up", "--listen", "tcp://127.0.0.1:7400"], "meet it in the run directory"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(arguments: list[str], words: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], "
        "contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {}}]}"
    )
    command = [str(kubeconfig) if word == "KUBECONFIG" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "podwire", *command, "--run-dir", str(tmp_path / "run"), "--log-level", "error"],
        cwd=rig.ROOT,
        env=rig.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
