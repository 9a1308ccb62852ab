"""What is in the image, what is not, and as whom it runs."""

import json
import re

import pytest

from common.version import VERSION
from podwire.cli import COMMANDS
from tests.containers.engine import BASE, docker, in_image, inspect

pytestmark = pytest.mark.docker

MOST_BYTES_OVER_BASE = 70_000_000

FORBIDDEN = (
    r"/(gcc|cc|g\+\+|clang|ld|make|cargo)$|/\.cache(/|$)|/opt/podwire/.*/(pip|setuptools|wheel|pytest|hypothesis|mypy)$"
)
TESTS = r"/(tests|conftest\.py|test_[^/]*\.py)$"


def files_over_base(image: str) -> list[str]:
    """Paths that the image has and its base has not."""
    paths = [
        set(in_image(one, "find", "/", "-xdev", "-not", "-path", "/proc/*", options=("--user", "0")).stdout.split("\n"))
        for one in (BASE, image)
    ]
    return sorted(paths[1] - paths[0])


def test_it_is_at_most_70_mb_over_its_base(image: str) -> None:
    over = int(inspect(image)["Size"]) - int(inspect(BASE)["Size"])
    print(f"the image is {over / 1e6:.1f} MB over {BASE}")
    assert over <= MOST_BYTES_OVER_BASE


def test_there_is_no_compiler_no_package_manager_of_python_no_cache_and_no_test_of_ours_in_it(image: str) -> None:
    added = files_over_base(image)
    assert any(path.endswith("/site-packages/podwire/cli.py") for path in added)
    assert [path for path in added if re.search(FORBIDDEN, path)] == []
    assert [path for path in added if re.search(TESTS, path) and not re.search("/site-packages/[^/]+/", path)] == []


def test_its_configuration_is_what_engines_and_registries_look_for(image: str) -> None:
    """One entrypoint in exec form, so that signals arrive; a numbered user, so that runAsNonRoot can tell; labels of the OCI."""
    config = inspect(image)["Config"]
    assert config["Entrypoint"] == ["podwire"]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"] == ["CMD", "podwire", "healthcheck"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "podwire"
    assert labels["version"] == VERSION
    assert {"description", "revision"} <= set(labels)


def test_it_says_its_version_and_explains_itself(image: str) -> None:
    assert docker("run", "--rm", image, "--version") == f"podwire {VERSION}\n"
    assert "Commands:" in docker("run", "--rm", image)


def test_it_runs_as_nobody_in_particular_and_writes_nowhere_but_where_the_stages_meet(image: str) -> None:
    write = """
import json, os
def writes(where):
    try:
        with open(f"{where}/probe", "w"):
            return True
    except OSError:
        return False
places = ["/", "/etc", "/home", "/opt/podwire", "/root", "/run", "/tmp", "/usr/local", "/var/tmp", "/run/podwire"]
print(json.dumps([os.getuid(), os.getgid(), [where for where in places if writes(where)]]))
"""
    volume = ("--tmpfs", "/run/podwire:uid=10001,gid=10001,mode=0700")
    assert json.loads(in_image(image, "python", "-c", write, options=volume).stdout) == [10001, 10001, ["/run/podwire"]]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_it(image: str, name: str) -> None:
    """If a command needs a library or a part of one that was left out, then it fails here."""
    loaded = in_image(image, "python", "-c", f"import {COMMANDS[name].module} as m; m.command")
    assert (loaded.returncode, loaded.stderr) == (0, "")


def test_the_parts_of_the_kubernetes_package_that_read_credentials_are_all_there(image: str) -> None:
    """Plugins that print tokens, tokens that are refreshed, service accounts: what is imported late."""
    script = "import kubernetes.config.exec_provider, kubernetes.config.incluster_config, kubernetes.config.kube_config, sandbox.lists"
    loaded = in_image(image, "python", "-c", script)
    assert (loaded.returncode, loaded.stderr) == (0, "")


def test_without_a_place_to_write_it_says_so(image: str) -> None:
    ran = in_image(image, "podwire", "match")
    assert ran.returncode == 2
    assert "/run/podwire is not writable" in ran.stderr
