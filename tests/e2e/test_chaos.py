"""`make chaos` as people run it, for a minute and a half."""

import re
import subprocess
import sys

import pytest

from bench import rig

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

SEED = 721
"""Twenty kinds of faults in the first minute and a half."""


def test_a_short_run_keeps_every_promise_and_says_what_it_did() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--minutes", "1.5", "--seed", str(SEED), "--pods", "300"]
    done = subprocess.run(command, cwd=rig.ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"chaos: seed {SEED}, 1.5 min, sandbox of 300 pods, 100 changes a second"
    assert max(map(len, lines)) <= 80
    assert re.fullmatch(
        rf"chaos: seed {SEED}, \d+ faults in \d+ rounds: in step after each, no promise broken", lines[-1]
    )
    (heading,) = [at for at, line in enumerate(lines) if line.startswith("fault ")]
    struck, table = lines[1:heading], lines[heading + 1 : -2]
    assert sum(int(re.split(r"\s{2,}", row)[1]) for row in table) == sum("in step after" in line for line in struck)
