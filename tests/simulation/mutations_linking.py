"""Faults between matcher and relay, and in what the relay sends on: connections, epochs, numbers."""

from typing import Final

from tests.simulation.mutation import Edit, Mutant, mutant

LINKING: Final = (
    mutant(
        "a new connection makes no epoch",
        "matcher/core.py",
        "if link.connected and isinstance(self.outbox.state, Closed):",
        "if False:",
    ),
    Mutant(
        "neither a broken epoch nor a link that stays behind is noticed",
        (
            Edit("matcher/link.py", "if ours and link.broken:", "if False:"),
            Edit(
                "matcher/link.py",
                "return Cause.BEHIND if after.since - before.since >= BEHIND_SECONDS else None",
                "return None",
            ),
        ),
    ),
    mutant(
        "the relay forgets the epoch with the connection",
        "relay/accept.py",
        "return Closed(epoch=fence.epoch, matcher=fence.matcher)",
        "return FIRST",
    ),
    mutant("a held gate stays held", "relay/outbox.py", "if self.size < RESUME_BELOW_BYTES:", "if False:"),
    mutant(
        "what the socket does not take at once is lost",
        "relay/outbox.py",
        "            self._chunks.appendleft(rest)\n",
        "            pass\n",
    ),
    mutant(
        "a link that stays behind is not noticed",
        "matcher/link.py",
        "return Cause.BEHIND if after.since - before.since >= BEHIND_SECONDS else None",
        "return None",
    ),
    Mutant(
        "the relay takes batches for an earlier connection",
        (
            Edit("relay/accept.py", "if batch.connection != fence.connection:", "if False:"),
            Edit(
                "relay/accept.py",
                "            return fence, Drop.OLDER_EPOCH\n",
                "            taken = batch.first - 1 + len(batch.emissions)\n"
                "            return Following(connection=fence.connection, epoch=fence.epoch, matcher=fence.matcher, taken=taken), None\n",
            ),
        ),
    ),
    Mutant(
        "the relay takes an older epoch",
        (
            Edit("relay/accept.py", "if batch.epoch < fence.epoch:", "if False:"),
            Edit("relay/accept.py", "if batch.epoch > fence.epoch:", "if batch.epoch != fence.epoch:"),
        ),
    ),
    mutant(
        "a gap does not break the epoch",
        "relay/accept.py",
        "case Following(taken=taken) if batch.first == taken + 1:",
        "case Following(taken=taken):",
    ),
    mutant(
        "a broken epoch is taken on",
        "relay/accept.py",
        "        case Broken():\n            return fence, Drop.BROKEN\n",
        "        case Broken():\n            return fence, None\n",
    ),
    mutant(
        "an epoch begins without its first batch",
        "relay/accept.py",
        "    if batch.first != 1:\n        return _broken(connection, batch, taken=0), Drop.GAP\n"
        "    if not isinstance(batch.emissions[0], Resync):\n        return _broken(connection, batch, taken=0), Drop.NO_RESYNC\n",
        "",
    ),
    mutant(
        "compressed blocks are kept back",
        "relay/compress.py",
        "frame.compress_flush(self._context, end_frame=False)",
        "b''",
    ),
)
