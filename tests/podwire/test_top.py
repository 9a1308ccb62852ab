"""`podwire top` where nothing can be redrawn; on a terminal it is tried by tests/e2e/test_tools.py."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import rig
from common.admin import open_admin
from podwire.states import in_sync, read_states_at


class FakeView:
    def state(self) -> dict[str, Any]:
        return {"pods": {"known": 3}}

    def not_ready(self) -> str | None:
        return None

    def metrics(self) -> list[Any]:
        return []


def top(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "podwire", "top", "--interval", "0.1", *arguments]
    return subprocess.run(command, cwd=rig.ROOT, env=rig.environment(), capture_output=True, text=True, check=False)


def test_in_a_pipe_each_look_is_a_frame_without_control_codes(tmp_path: Path) -> None:
    ran = top("--run-dir", str(tmp_path), "--count", "3")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("STAGE") == 3
    assert ran.stdout.replace("\n", "").isprintable()


def test_stages_elsewhere_are_named_as_they_name_themselves(tmp_path: Path) -> None:
    admin = open_admin(stage="matcher", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView())
    address = (tmp_path / "matcher.admin").read_text().strip()
    try:
        ran = top("--at", address, "--at", "127.0.0.1:1", "--json", "--count", "2")
    finally:
        admin.close()
    looks = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(looks) == 2
    assert looks[0]["matcher"]["pods"] == {"known": 3}
    assert "does not answer" in looks[0]["127.0.0.1:1"]


def test_a_stage_that_is_there_twice_is_told_apart_by_its_address(tmp_path: Path) -> None:
    admins, addresses = [], []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        admins.append(open_admin(stage="relay", run_dir=tmp_path / name, listen="127.0.0.1:0", view=FakeView()))
        addresses.append((tmp_path / name / "relay.admin").read_text().strip())
    states = read_states_at(addresses)
    for admin in admins:
        admin.close()
    assert list(states) == ["relay", f"relay {addresses[1]}"]
    assert in_sync(states)


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:1", ""])
def test_what_is_no_stage_is_said_by_its_address(address: str) -> None:
    states = read_states_at([address])
    assert isinstance(states[address], str)
    assert not in_sync(states)
