"""Structured logs: one line an event, `key=value` for people or JSON for machines, on standard error.

An event is a short fixed text; what varies stands in fields, so that lines can be searched and counted. Whoever logs keeps secrets
out of fields: tokens, certificates' keys and request headers never get here. `Seldom` holds back what would repeat.
"""

import json
import logging
import sys
import time
from typing import Literal

from common.clock import monotonic

Format = Literal["text", "json"]
Field = str | int | float | bool | None


class Log:
    """Logs events of one stage."""

    def __init__(self, stage: str) -> None:
        self._logger = logging.getLogger(stage)

    def debug(self, event: str, **fields: Field) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Field) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Field) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Field) -> None:
        self._write(logging.ERROR, event, fields)

    def fault(self, event: str, error: BaseException) -> None:
        """An error that nobody foresaw, with where it came from."""
        self._logger.error("%s", event, exc_info=error, extra={"fields": {"error": type(error).__name__}})

    def _write(self, level: int, event: str, fields: dict[str, Field]) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", event, extra={"fields": fields})


class Seldom:
    """Lets a repeated event through once a minute per key, and says how many were held back."""

    def __init__(self, *, every_seconds: float = 60.0, most_keys: int = 1_000) -> None:
        self._every_seconds = every_seconds
        self._most_keys = most_keys
        self._held: dict[str, tuple[float, int]] = {}

    def held_back(self, key: str, now: float) -> int | None:
        """How many of this key were held back since the last let through, or None to hold this one back too."""
        since, held = self._held.get(key, (float("-inf"), 0))
        if now - since < self._every_seconds:
            self._held[key] = (since, held + 1)
            return None
        if len(self._held) >= self._most_keys:
            self._held.clear()
        self._held[key] = (now, 0)
        return held


class _Newest(logging.Handler):
    """Remembers each stage's newest warning or error, for /state."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.by_stage: dict[str, tuple[float, str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.by_stage[record.name] = (monotonic(), f"{record.getMessage()} {_fields(record)}".rstrip())


_NEWEST = _Newest()


def last_error(stage: str, now: float) -> dict[str, Field] | None:
    """The stage's newest warning or error, as its log line said it, and how old it is; None when there was none."""
    if stage not in _NEWEST.by_stage:
        return None
    at, text = _NEWEST.by_stage[stage]
    return {"text": text, "age_seconds": now - at}


def configure(*, format_: Format, level: str) -> None:
    """Sends every stage's log lines to standard error in this format, from this level (`debug`, `info`, `warning`, `error`)."""
    _NEWEST.by_stage.clear()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format_ == "json" else _Text())
    logging.basicConfig(handlers=[handler, _NEWEST], level=level.upper(), force=True)
    # Their retries and pools are not our events; what goes wrong reaches our log as ours.
    for library in ("urllib3", "kubernetes", "asyncio", "aiohttp"):
        logging.getLogger(library).setLevel(logging.ERROR)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%H:%M:%S", time.localtime(record.created)) + f".{int(record.msecs):03d}"
        line = f"{when} {record.levelname.lower():7} {record.name}: {record.getMessage()}"
        return self._with_trace(f"{line} {_fields(record)}".rstrip(), record)

    def _with_trace(self, line: str, record: logging.LogRecord) -> str:
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "stage": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> str:
    return " ".join(f"{key}={word(value)}" for key, value in getattr(record, "fields", {}).items())


def word(value: Field) -> str:
    """A value as it stands in a line for people: in quotes where it would not be one word."""
    text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return json.dumps(text, ensure_ascii=False) if not text or any(c.isspace() or c in '"=' for c in text) else text
