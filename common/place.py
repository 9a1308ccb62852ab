"""A stage's place in the run directory: made private, held by one process at a time, free again when that process is gone.

The place is an flock(2) on `RUN_DIR/<stage>.pid`, which the kernel gives back however the holder ends, so a stale PID file holds
nothing and is taken over. The file's text is the holder's PID.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from common.errors import UsageError


def default_run_dir() -> Path:
    """`$XDG_RUNTIME_DIR/podwire`, else a directory of this user's under the system's temporary one."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return Path(runtime) / "podwire"
    import tempfile  # where --run-dir is given, nobody has to load what compresses files

    return Path(tempfile.gettempdir()) / f"podwire-{os.getuid()}"


def prepare_run_dir(run_dir: Path) -> None:
    """Makes the directory (mode 0700) if it is not there. Raises UsageError where it cannot be used or belongs to somebody else."""
    try:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = run_dir.stat().st_uid
    except OSError as error:
        raise UsageError(
            f"cannot make the run directory {run_dir}: {error.strerror}; choose another --run-dir"
        ) from error
    if owner not in (os.getuid(), 0):
        raise UsageError(f"the run directory {run_dir} belongs to user {owner}, not to you; choose another --run-dir")
    if not os.access(run_dir, os.W_OK | os.X_OK):
        raise UsageError(f"the run directory {run_dir} is not writable; choose another --run-dir")


def claim(run_dir: Path, stage: str) -> IO[str]:
    """Takes the stage's place; keep the file open as long as the place is to be held.

    Raises UsageError that names the holder where another process holds it.
    """
    prepare_run_dir(run_dir)
    path = run_dir / f"{stage}.pid"
    try:
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --run-dir") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise UsageError(f"{stage} is running already in {run_dir}, as process {holder}") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
