"""`python -m matcher`."""

from common.entry import run_command
from matcher.cli import command

if __name__ == "__main__":
    run_command(command, name="python -m matcher")
