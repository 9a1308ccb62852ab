"""Files that hold secrets: only their owner and, as a Secret's volume with `fsGroup` has it, a group may read them."""

import stat
from pathlib import Path

from common.errors import UsageError


def refuse_what_others_can_read(path: Path, *, option: str) -> None:
    """Raises UsageError for a file that is not there, or that every user of the machine may read."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{option}: cannot read {path}: {error.strerror}") from error
    if mode & stat.S_IROTH:
        raise UsageError(
            f"{option}: everybody can read the secret key in {path} (mode {stat.S_IMODE(mode):04o}); chmod 0600 it, "
            "or mount its Secret with defaultMode 0440 and the Pod's fsGroup"
        )
