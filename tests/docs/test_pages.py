"""The pages for users are true: their commands run as they stand there, and what is made from the code is what the code says.

A page's blocks of shell run in its order in one directory that looks like a fresh clone, each in a bash of its own that ends at the first
error. `sh` runs once, `sh again` is run again until it succeeds (something is coming up), `sh background` runs until the page is
over. The page's own `~/.kube/config` is the sandbox's, and the addresses that it names are free ones.
"""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import rig
from tests.e2e.sandboxed import sandbox

DOCS = rig.ROOT / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))
BLOCK_SECONDS = 90.0

_BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    how: str
    text: str


def blocks(page: str) -> list[Block]:
    found = _BLOCK.findall((DOCS / page).read_text("utf-8"))
    return [Block(language, how.strip(), text) for language, how, text in found]


@pytest.fixture
def clone() -> Iterator[Path]:
    """What a page takes for its clone; the path is short, since sockets' paths must be."""
    with tempfile.TemporaryDirectory(prefix="pw-") as made:
        for one in rig.ROOT.iterdir():
            if one.name not in ("build", "dist"):
                (Path(made) / one.name).symlink_to(one)
        yield Path(made)


@contextmanager
def background(text: str, clone: Path, environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        started = subprocess.Popen(
            ["bash", "-euc", text], cwd=clone, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield
        assert started.poll() is None, f"ended too soon: {text}\n{log.read_text()}"
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(20)


def run(block: Block, clone: Path, environment: dict[str, str]) -> None:
    until = time.monotonic() + BLOCK_SECONDS
    while True:
        ran = subprocess.run(
            ["bash", "-euc", block.text], cwd=clone, env=environment, capture_output=True, text=True, check=False
        )
        if ran.returncode == 0:
            return
        again = block.how == "again" and time.monotonic() < until
        assert again, f"{block.text}\nended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        time.sleep(0.5)


@pytest.mark.e2e
@pytest.mark.parametrize("page", [page for page in PAGES if any(block.language == "sh" for block in blocks(page))])
def test_every_command_of_a_page_runs(page: str, clone: Path) -> None:
    """In the page's order; what runs in the background still runs at the end."""
    ports = rig.free_ports(2)
    with sandbox(clone, pods=40, rate=5.0) as cluster, rig.reducer() as reducer, ExitStack() as running:
        (clone / ".kube").mkdir()
        (clone / "r").mkdir()
        shutil.copy(cluster.kubeconfig, clone / ".kube" / "config")
        named = {
            "reducer.example:8000": reducer.address,
            "127.0.0.1:8000": f"127.0.0.1:{ports}",
            "127.0.0.1:8001": f"127.0.0.1:{ports + 1}",
        }
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = rig.environment(HOME=str(clone), XDG_RUNTIME_DIR=str(clone / "r"), PATH=path)
        environment.pop("KUBECONFIG", None)
        for number, block in enumerate(one for one in blocks(page) if one.language == "sh"):
            text = block.text
            for name, address in named.items():
                text = text.replace(name, address)
            assert block.how in ("", "again", "background"), block.how
            if block.how == "background":
                running.enter_context(background(text, clone, environment, clone / f"block-{number}.log"))
            else:
                run(Block(block.language, block.how, text), clone, environment)


@pytest.mark.parametrize("page", ["../README.md", *PAGES])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    """To a file, and to a heading where it names one."""
    here = DOCS / page
    for target, anchor in _LINK.findall(here.read_text("utf-8")):
        there = here.parent / target if target else here
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in _HEADING.findall(page.read_text("utf-8"))
    }


def test_every_page_can_be_found_from_the_readme() -> None:
    linked = {target for target, _ in _LINK.findall((rig.ROOT / "README.md").read_text("utf-8"))}
    assert [page for page in PAGES if f"docs/{page}" not in linked] == []


def test_the_settings_file_of_the_reference_is_one() -> None:
    (example,) = [block.text for block in blocks("configuration.md") if block.language == "yaml"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(example)
        file.flush()
        ran = subprocess.run(
            [sys.executable, "-m", "podwire", "config", "--config", file.name],
            cwd=rig.ROOT,
            env=rig.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert "label: [cluster=production, zone=eu-1]" in ran.stdout


def test_the_reference_says_what_the_options_say() -> None:
    """If this fails, `make docs` and a look at the difference mend it."""
    generate = module("generate")
    text = generate.PAGE.read_text("utf-8")
    assert generate.page(text) == text


def test_the_reference_says_that_a_switch_without_a_default_is_off() -> None:
    (row,) = [line for line in (DOCS / "configuration.md").read_text("utf-8").splitlines() if "`--demo`" in line]
    assert row.split("|")[3].strip() == "false"


def module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
