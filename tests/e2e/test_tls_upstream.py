"""The whole pipeline apart on tcp:// with CURVE, and TLS with client certificates to the reducer."""

import os
import signal
from pathlib import Path

import pytest

from bench import rig
from podwire.stages import STAGES
from tests.e2e.apart import apart
from tests.e2e.sandboxed import sandbox
from tests.fakes.certificates import Files

pytestmark = pytest.mark.e2e


def test_a_storm_over_mutual_tls_with_each_stage_restarted_and_certificates_rotated(tmp_path: Path) -> None:
    files = Files(tmp_path / "pki")
    (cert, key), (client_cert, client_key) = files.issue("reducer"), files.issue("collector")
    serving = ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(files.ca)]
    dialing = ["--intake-tls", "--intake-ca", str(files.ca), "--intake-server-name", "reducer"]
    dialing += ["--intake-cert", str(client_cert), "--intake-key", str(client_key)]
    with (
        sandbox(tmp_path, rate=200.0) as api,
        rig.reducer(*serving) as reducer,
        apart(api, reducer, tmp_path, *dialing) as podwire,
    ):
        podwire.until_ready()
        files.issue("collector")
        reducer.order("/cut?how=rst")
        podwire.until(
            lambda: podwire.state("relay").get("link", {}).get("connection") == 2, "relay", "a second connection"
        )
        for stage in STAGES:
            before = podwire.state(stage)["pid"]
            os.kill(before, signal.SIGTERM)
            assert podwire.processes[stage].wait(20) == 0
            podwire.start(stage)
            podwire.until(lambda stage=stage: bool(podwire.state(stage)), stage, "a new life")
            podwire.until_ready()
        podwire.assert_in_step()
