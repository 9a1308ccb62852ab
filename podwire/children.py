"""The supervisor's processes: forked with everything imported, reaped, signalled; and what the supervisor waits for.

The supervisor stays one thread without sockets or ZeroMQ contexts, so that it can fork at any time. Its signals are blocked and taken
with sigtimedwait(2): nothing interrupts it anywhere. A child that is alive when the supervisor is not gets SIGKILL from the
kernel (PR_SET_PDEATHSIG): nothing that podwire keeps needs more of an end than that.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from common.errors import UsageError
from common.logs import Log
from podwire.supervise import Asked, Ended, Event, Turn

PR_SET_PDEATHSIG = 1
"""prctl(2)."""

LONGEST_REFUSAL_BYTES = 4_096
"""PIPE_BUF: what is written to a pipe at once and in one piece (pipe(7))."""

_TAKEN = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a child runs."""

    name: str
    run: Callable[[], None]
    """Called in the child. UsageError ends it with exit code 2, SystemExit with its own, another exception with 1. May exec."""
    log: Path | None = None
    """Where the child's standard output and error go; None: where the supervisor's go."""


class Children:
    """Starts and watches processes. Make one, in the main thread, before any other thread is made."""

    def __init__(self, programs: tuple[Program, ...], *, place: IO[str]) -> None:
        """`place` is the supervisor's own hold on the run directory: a child must not inherit it."""
        self._programs: Mapping[str, Program] = {program.name: program for program in programs}
        self._place = place
        self._refusals, self._refuse = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # A blocked signal stays pending for sigtimedwait(2) only while it is not ignored, which SIGCHLD is by default.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)

    def start(self, name: str) -> int:
        """Forks the program's process and gives its PID."""
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._live(self._programs[name], supervisor)
        return pid

    def wait(self, seconds: float) -> list[Event]:
        """What happens next, but `Turn` at the latest after `seconds`.

        One child is reaped at a time: what follows from its end may be signals to others, and a PID that has been reaped may be
        somebody else's by then.
        """
        ended = self._reap()
        if ended is None:
            taken = signal.sigtimedwait(_TAKEN, min(max(seconds, 0.0), 3_600.0))
            if taken is not None and taken.si_signo != signal.SIGCHLD:
                return [Asked(), Turn()]
            ended = self._reap()
        return [Turn()] if ended is None else [ended, Turn()]

    def send(self, pid: int, number: int) -> None:
        """Sends a signal to a child that `wait` has not told to have ended."""
        os.kill(pid, number)

    def refusal(self) -> str | None:
        """Name and words of the first child that ended with a UsageError."""
        try:
            words = os.read(self._refusals, LONGEST_REFUSAL_BYTES).partition(b"\0")[0]
        except BlockingIOError:
            return None
        return words.decode(errors="replace")

    def _reap(self) -> Ended | None:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        return Ended(pid, os.waitstatus_to_exitcode(status)) if pid else None

    def _live(self, program: Program, supervisor: int) -> NoReturn:
        code = 1
        try:
            self._become(program, supervisor)
            program.run()
            code = 0
        except UsageError as error:
            os.write(self._refuse, f"{program.name}: {error}".encode()[: LONGEST_REFUSAL_BYTES - 1] + b"\0")
            code = 2
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
        except BaseException as error:  # noqa: BLE001 (whatever ends a child ends it here, and not in a copy of the supervisor's code)
            Log(program.name).fault("ended by an error", error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _become(self, program: Program, supervisor: int) -> None:
        """Makes the fork a process of its own, before the program's first line."""
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        self._place.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Ctrl-C goes to the whole group: the supervisor hears it too and asks each child to end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TAKEN)
        if program.log is not None:
            log = os.open(program.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(log)
