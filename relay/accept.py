"""Which batches of emissions are taken: a fence of connection, epoch and numbers.

A batch is taken when it is for the connection that stands, belongs to the newest epoch seen, comes from the matcher that opened that
epoch, and goes on at the next number. An epoch is opened by its number 1, which is `Resync`. Whatever else comes is dropped with a
reason; a missing number breaks the epoch, and only a newer one is taken after that. So what a dead matcher, or an older
connection, left in a socket goes nowhere, and the reducer never hears an epoch with a hole in it.
"""

from enum import StrEnum, auto
from typing import assert_never

import msgspec

from common.messages import Emissions, Epoch, Incarnation, Resync


class Drop(StrEnum):
    """Why a batch is not taken. The value is the word of logs and metrics."""

    OTHER_RELAY = auto()
    OTHER_CONNECTION = auto()
    """Or none stands."""
    OLDER_EPOCH = auto()
    OTHER_MATCHER = auto()
    """The epoch was opened by another."""
    GAP = auto()
    NO_RESYNC = auto()
    """Number 1 of an epoch is something else."""
    BROKEN = auto()
    """A number is missing before it."""
    EMPTY = auto()


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """No connection stands: nothing is taken. `epoch` and `matcher` are the newest seen before."""

    epoch: Epoch
    matcher: Incarnation


class Awaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A connection stands and no epoch has been opened on it. `epoch` and `matcher` are those of an earlier one."""

    connection: int
    epoch: Epoch
    matcher: Incarnation


class Following(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch is taken; `taken` is the number of its last emission so far."""

    connection: int
    epoch: Epoch
    matcher: Incarnation
    taken: int


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """The epoch has a hole behind `taken`: nothing more of it is taken."""

    connection: int
    epoch: Epoch
    matcher: Incarnation
    taken: int


Fence = Closed | Awaiting | Following | Broken

FIRST: Fence = Closed(epoch=Epoch(0), matcher=Incarnation(""))
"""The fence of a relay that has just started."""


def opened(fence: Fence, connection: int) -> Fence:
    """A new connection stands: its first epoch has to be newer than any seen before."""
    return Awaiting(connection=connection, epoch=fence.epoch, matcher=fence.matcher)


def closed(fence: Fence) -> Fence:
    """The connection is gone."""
    return Closed(epoch=fence.epoch, matcher=fence.matcher)


def offered(fence: Fence, batch: Emissions, *, relay: Incarnation) -> tuple[Fence, Drop | None]:
    """The fence after a batch, and why the batch is dropped, or None when it is taken.

    `relay` is this relay's own incarnation.
    """
    match fence:
        case Closed():
            return fence, Drop.OTHER_RELAY if batch.relay != relay else Drop.OTHER_CONNECTION
        case Awaiting() | Following() | Broken():
            drop = _foreign(fence, batch, relay=relay)
            if drop is not None:
                return fence, drop
            if batch.epoch > fence.epoch:
                return _newer_epoch(fence.connection, batch)
            return _same_epoch(fence, batch)
        case _:
            assert_never(fence)


def _foreign(fence: Awaiting | Following | Broken, batch: Emissions, *, relay: Incarnation) -> Drop | None:
    """Why a batch has nothing to say here, whatever its numbers are."""
    if batch.relay != relay:
        return Drop.OTHER_RELAY
    if batch.connection != fence.connection:
        return Drop.OTHER_CONNECTION
    if not batch.emissions:
        return Drop.EMPTY
    if batch.epoch < fence.epoch:
        return Drop.OLDER_EPOCH
    if batch.epoch == fence.epoch and batch.matcher != fence.matcher:
        return Drop.OTHER_MATCHER
    return None


def _newer_epoch(connection: int, batch: Emissions) -> tuple[Fence, Drop | None]:
    if batch.first != 1:
        return _broken(connection, batch, taken=0), Drop.GAP
    if not isinstance(batch.emissions[0], Resync):
        return _broken(connection, batch, taken=0), Drop.NO_RESYNC
    taken = len(batch.emissions)
    return Following(connection=connection, epoch=batch.epoch, matcher=batch.matcher, taken=taken), None


def _same_epoch(fence: Awaiting | Following | Broken, batch: Emissions) -> tuple[Fence, Drop | None]:
    match fence:
        case Awaiting():
            # It began on an earlier connection, whose reducer has forgotten its beginning.
            return fence, Drop.OLDER_EPOCH
        case Following(taken=taken) if batch.first == taken + 1:
            taken += len(batch.emissions)
            return Following(connection=fence.connection, epoch=fence.epoch, matcher=fence.matcher, taken=taken), None
        case Following(taken=taken):
            return _broken(fence.connection, batch, taken=taken), Drop.GAP
        case Broken():
            return fence, Drop.BROKEN
        case _:
            assert_never(fence)


def _broken(connection: int, batch: Emissions, *, taken: int) -> Broken:
    return Broken(connection=connection, epoch=batch.epoch, matcher=batch.matcher, taken=taken)
