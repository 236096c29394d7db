"""Log lines on standard error: an object of JSON each, or a line for people."""

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Any

from pydantic_core import to_json

from service.settings import Settings

FLUSH_SECONDS = 0.05
"""Longest time from the end of a request to the writing of its line."""

_PLAIN = r"[!-~]*"

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def configure_logging(settings: Settings) -> None:
    """Write the log lines of this process to standard error; each worker process calls this."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if for_people(settings) else JsonFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)


def for_people(settings: Settings) -> bool:
    """Decide whether log lines are text for people; otherwise they are JSON."""
    return settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())


class JsonFormatter(logging.Formatter):
    """Format a record as JSON: time (UTC), level, logger, message, the fields of `extra`, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line of JSON."""
        line: dict[str, Any] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str, inf_nan_mode="constants").decode()


class TextFormatter(logging.Formatter):
    """Format a record as text: level, message, then `name=value` for each field of `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line, followed by the traceback if any."""
        words = [f"{record.levelname}:", record.getMessage()]
        words += _words(_extra(record))
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def timestamp(seconds: float) -> str:
    """Format a time in UTC, to the millisecond (ISO 8601).

    Args:
        seconds: since the epoch.
    """
    return f"{_to_the_second(int(seconds))}.{int(seconds % 1 * 1e3):03d}+00:00"


@lru_cache(maxsize=2)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _words(fields: dict[str, Any]) -> list[str]:
    """Format each field as `name=value`; quote a value that could end the line or begin another field."""
    return [f"{name}={value if re.fullmatch(_PLAIN, str(value)) else repr(value)}" for name, value in fields.items()]


class RequestLog:
    """Log a line for each request, several lines a write: the logging module would cost a tenth of a short request.

    Args:
        for_people: whether lines are text instead of JSON.
        write: writes encoded lines.
    """

    def __init__(self, for_people: bool, write: Callable[[bytes], object]) -> None:
        self._for_people = for_people
        self._write = write
        self._lines: list[bytes] = []

    def add(self, **fields: Any) -> None:
        """Add a line, which is written within `FLUSH_SECONDS`; called on the event loop.

        Args:
            fields: values by name.
        """
        if self._for_people:
            line = " ".join(["INFO: request", *_words(fields)]).encode()
        else:
            now = timestamp(time())
            line = to_json({"time": now, "level": "info", "logger": "service.request", "message": "request", **fields})
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write the lines that have been added."""
        if self._lines:
            self._write(b"\n".join([*self._lines, b""]))
            self._lines.clear()
