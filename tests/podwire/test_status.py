"""What `podwire status` makes of the stages that answer and those that do not."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from common.admin import open_admin
from podwire.ask import NoAnswer, ask, ask_json, stage_state
from podwire.stages import STAGES
from podwire.states import read_states
from podwire.status import command, status_lines


class FakeView:
    """A stage that is in sync or not."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason

    def state(self) -> dict[str, Any]:
        return {"epoch": 3}

    def not_ready(self) -> str | None:
        return self.reason

    def metrics(self) -> list[Any]:
        return []


def status(run_dir: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, ["--run-dir", str(run_dir), *arguments])
    return result.exit_code, result.output


def test_where_nothing_runs_it_says_so_and_exits_1(tmp_path: Path) -> None:
    code, output = status(tmp_path)
    assert code == 1
    assert [line.split()[0] for line in output.splitlines()] == ["STAGE", *STAGES]
    assert output.count("not running") == len(STAGES)


def test_all_in_sync_exits_0(tmp_path: Path) -> None:
    admins = [open_admin(stage=one, run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView()) for one in STAGES]
    code, output = status(tmp_path)
    as_json = json.loads(status(tmp_path, "--json")[1])
    for admin in admins:
        admin.close()
    assert code == 0
    assert output.count("in sync") == len(STAGES)
    assert {one: (state["stage"], state["epoch"]) for one, state in as_json.items()} == {
        one: (one, 3) for one in STAGES
    }


def test_a_stage_that_is_not_in_sync_says_why_and_exits_1(tmp_path: Path) -> None:
    admin = open_admin(stage="relay", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView("not connected to r:8000"))
    code, output = status(tmp_path)
    admin.close()
    assert code == 1
    assert "not connected to r:8000" in output.splitlines()[-1]


def test_what_a_killed_stage_left_is_no_stage(tmp_path: Path) -> None:
    admin = open_admin(stage="relay", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView())
    left = (tmp_path / "relay.admin").read_text()
    admin.close()
    (tmp_path / "relay.admin").write_text(left)
    assert "does not answer" in str(read_states(tmp_path)["relay"])


def test_a_killed_stages_port_that_another_stage_has_by_now_is_no_stage(tmp_path: Path) -> None:
    admin = open_admin(stage="matcher", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView())
    (tmp_path / "relay.admin").write_text((tmp_path / "matcher.admin").read_text())
    states = read_states(tmp_path)
    admin.close()
    assert isinstance(states["matcher"], dict)
    assert states["relay"] == "not running"


@pytest.mark.parametrize("left", ["", "nonsense", "127.0.0.1:http", "\x00"])
def test_a_file_that_is_no_address_is_no_stage(tmp_path: Path, left: str) -> None:
    (tmp_path / "relay.admin").write_text(left)
    with pytest.raises(NoAnswer):
        stage_state(tmp_path, "relay")


def test_columns_line_up() -> None:
    lines = status_lines({"watcher-replicasets": "not running", "relay": "not running"})
    assert len({line.rindex("not running") for line in lines[1:]} | {lines[0].rindex("STATE")}) == 1


def test_an_answer_that_is_no_json_or_an_error_is_no_answer(tmp_path: Path) -> None:
    admin = open_admin(stage="relay", run_dir=tmp_path, listen="127.0.0.1:0", view=FakeView())
    address = (tmp_path / "relay.admin").read_text().strip()
    with pytest.raises(NoAnswer, match="does not answer with JSON"):
        ask_json(address, "/healthz")
    with pytest.raises(NoAnswer, match="404"):
        ask(address, "/nowhere")
    admin.close()
