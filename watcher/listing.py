"""How far a list under way has come, for people."""

import msgspec


class Listing(msgspec.Struct):
    """Written by the loop, read by the admin's threads: plain numbers."""

    held: int
    """Objects that were known when it began."""
    objects: int = 0
    """Objects that it has brought so far."""
    remaining: int | None = None
    """Objects that are still to come, where the server tells (`metadata.remainingItemCount`)."""

    @property
    def of_about(self) -> int | None:
        """Objects of the whole list: as the server tells, else as many as were known before; None where nothing is to go by."""
        if self.remaining is not None:
            return self.objects + self.remaining
        return max(self.held, self.objects) if self.held else None
