"""The image that the container tests run, made from the checkout as `docker compose build` makes it."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.containers.engine import BASE, ROOT, Stack, have_engine

IMAGE = "podwire:tested"
STAND_IN = ROOT.parent / "shared" / "docker" / "base-image"


@pytest.fixture(scope="session")
def image() -> str:
    """The name of the image: `PODWIRE_IMAGE` as it is, else made now. A stand-in of its base is made where that cannot be pulled."""
    if not have_engine():
        pytest.skip("there is no container engine here")
    if made := os.environ.get("PODWIRE_IMAGE"):
        return made
    known = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False).returncode == 0
    if not known and subprocess.run(["docker", "pull", "--quiet", BASE], check=False).returncode != 0:
        subprocess.run([STAND_IN, BASE], check=True)
    Stack("podwire-build", IMAGE).compose("build", "relay")
    return IMAGE


@pytest.fixture(scope="module")
def stack(image: str) -> Iterator[Stack]:
    """The containers of compose.yaml, started and not waited for."""
    found = Stack("podwire-tested", image)
    found.down()
    try:
        found.up()
        yield found
    finally:
        found.down()
