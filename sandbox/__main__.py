"""`python -m sandbox`."""

from common.entry import run_command
from sandbox.cli import command

run_command(command, name="python -m sandbox")
