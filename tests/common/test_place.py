"""Places in the run directory."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import UsageError
from common.place import claim, default_run_dir, prepare_run_dir


def test_the_place_has_the_holders_pid_and_the_directory_is_private(tmp_path: Path) -> None:
    run_dir = tmp_path / "deep" / "run"
    with claim(run_dir, "relay"):
        assert (run_dir / "relay.pid").read_text() == f"{os.getpid()}\n"
        assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700


def test_a_second_claim_names_the_holder_and_leaves_the_place_as_it_is(tmp_path: Path) -> None:
    with claim(tmp_path, "relay"):
        with pytest.raises(UsageError, match=f"relay is running already in {tmp_path}, as process {os.getpid()}"):
            claim(tmp_path, "relay")
        assert (tmp_path / "relay.pid").read_text() == f"{os.getpid()}\n"


def test_other_stages_have_other_places(tmp_path: Path) -> None:
    with claim(tmp_path, "relay"), claim(tmp_path, "matcher"):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["matcher.pid", "relay.pid"]


def test_the_place_is_free_when_its_holder_lets_go(tmp_path: Path) -> None:
    claim(tmp_path, "relay").close()
    claim(tmp_path, "relay").close()


def test_what_a_killed_holder_left_is_taken_over(tmp_path: Path) -> None:
    script = "import os, signal, sys; from pathlib import Path; from common.place import claim\n"
    script += "held = claim(Path(sys.argv[1]), 'relay'); os.kill(os.getpid(), signal.SIGKILL)"
    died = subprocess.run([sys.executable, "-c", script, tmp_path], cwd=Path(__file__).parents[2], check=False)
    assert died.returncode == -9
    assert (tmp_path / "relay.pid").read_text() not in ("", f"{os.getpid()}\n")
    with claim(tmp_path, "relay"):
        assert (tmp_path / "relay.pid").read_text() == f"{os.getpid()}\n"


def test_a_longer_stale_pid_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "relay.pid").write_text("99999999999999\n")
    with claim(tmp_path, "relay"):
        assert (tmp_path / "relay.pid").read_text() == f"{os.getpid()}\n"


def test_a_file_in_place_of_the_directory_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot make the run directory .*file: .*; choose another --run-dir"):
        prepare_run_dir(tmp_path / "file")


def test_a_directory_in_place_of_the_file_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "relay.pid").mkdir()
    with pytest.raises(UsageError, match=r"relay\.pid"):
        claim(tmp_path, "relay")


def test_somebody_elses_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    if tmp_path.stat().st_uid == 0:
        os.chown(tmp_path, 12_345, -1)
    with pytest.raises(UsageError, match=r"belongs to user \d+, not to you"):
        prepare_run_dir(tmp_path)


def test_the_default_is_the_users_runtime_directory_or_one_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    assert default_run_dir() == Path("/run/user/7/podwire")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_run_dir().name == f"podwire-{os.getuid()}"
