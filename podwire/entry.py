"""The `podwire` program. A health check is answered without the command line's library: a container asks every few seconds for as
long as it lives, and importing click would be most of what that costs.
"""

import os
import sys


def main() -> None:
    """Runs the command line and exits."""
    run_dir = os.environ.get("PODWIRE_RUN_DIR")
    match sys.argv[1:]:
        case ["healthcheck", *arguments] if run_dir and _only_targets(arguments):
            _check(arguments, run_dir)
        case _:
            from podwire.cli import main as run_command_line

            run_command_line()


def _only_targets(arguments: list[str]) -> bool:
    return all(one == "--ready" or not one.startswith("-") for one in arguments)


def _check(arguments: list[str], run_dir: str) -> None:
    from podwire.probe import probe

    code, line = probe((one for one in arguments if one != "--ready"), run_dir=run_dir, ready="--ready" in arguments)
    print(line)  # noqa: T201 (what click.echo would do)
    sys.exit(code)
