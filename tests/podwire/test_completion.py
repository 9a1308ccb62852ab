"""`podwire completion`, and what shells get by it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PODWIRE = Path(sys.executable).with_name("podwire")


def completed(*words: str, broken: str = "") -> list[str]:
    """What zsh would offer for the last of these words."""
    asked = {"_PODWIRE_COMPLETE": "zsh_complete", "COMP_WORDS": " ".join(words[:-1]), "COMP_CWORD": str(len(words) - 1)}
    if words[-1]:
        asked["COMP_WORDS"] = " ".join(words)
    ran = subprocess.run(
        [PODWIRE], check=True, env={**os.environ, **asked, "PODWIRE_CONFIG": broken}, capture_output=True, text=True
    )
    assert ran.stderr == ""
    return ran.stdout.splitlines()[1::3]


def test_commands_options_and_values_are_completed() -> None:
    assert completed("podwire", "st") == ["status"]
    assert {"up", "config", "watch"} <= set(completed("podwire", ""))
    assert completed("podwire", "watch", "po") == ["pods"]
    assert completed("podwire", "up", "--own") == ["--owner-wait"]
    assert completed("podwire", "up", "--ip-family", "pri") == ["primary"]
    assert completed("podwire", "sandbox", "co") == ["compare"]


def test_a_settings_file_that_is_wrong_does_not_end_completion(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("nonsense: 1")
    assert completed("podwire", "up", "--own", broken=str(tmp_path / "wrong.yaml")) == ["--owner-wait"]


def test_completing_a_command_imports_none_of_them() -> None:
    script = (
        "import sys; from podwire.cli import group; import click;"
        "context = click.Context(group, info_name='podwire');"
        "print(len(group.shell_complete(context, '')), *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    count, *modules = ran.stdout.split()
    assert int(count) > 5
    assert not {"podwire.up", "podwire.status", "zmq", "msgspec", "kubernetes"} & set(modules)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_what_to_run(shell: str) -> None:
    told = subprocess.run([PODWIRE, "completion", shell], capture_output=True, text=True, check=True).stdout
    assert f"_PODWIRE_COMPLETE={shell}_complete" in told


def test_bash_completes() -> None:
    """With what `podwire completion bash` prints, bash itself completes."""
    asked = (
        'eval "$(podwire completion bash)"; COMP_WORDS=(podwire sta); COMP_CWORD=1; _podwire_completion podwire;'
        'echo "${COMPREPLY[@]}"'
    )
    path = f"{PODWIRE.parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", asked], check=True, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert (ran.stdout, ran.stderr) == ("status\n", "")
