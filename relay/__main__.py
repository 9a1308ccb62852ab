"""`python -m relay`."""

from common.entry import run_command
from relay.cli import command

run_command(command, name="python -m relay")
