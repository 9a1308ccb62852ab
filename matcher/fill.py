"""Which keys a list has not mentioned yet: at its end those are what is gone."""

from collections.abc import Collection, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key")


class Fill(Generic[Key]):
    """One list at a time; a new one takes the place of one that is under way."""

    def __init__(self) -> None:
        self._unmentioned: set[Key] = set()
        self.held_before = 0
        """How many keys there were when the list began."""

    def begin(self, held: Iterable[Key]) -> None:
        """A list begins over these keys."""
        self._unmentioned = set(held)
        self.held_before = len(self._unmentioned)

    def mention(self, key: Key) -> None:
        """The key is in the list, or came since."""
        if self._unmentioned:
            self._unmentioned.discard(key)

    def end(self) -> Collection[Key]:
        """The list is complete: the keys that it did not mention."""
        gone, self._unmentioned = self._unmentioned, set()
        return gone
