"""`python -m watcher KIND`."""

from common.entry import run_command
from watcher.cli import command

if __name__ == "__main__":
    run_command(command, name="python -m watcher")
