"""The errors that a user meets."""


class UsageError(Exception):
    """The user's mistake: its text says what is wrong, with which thing, and what to do next. Ends a process with exit code 2."""
