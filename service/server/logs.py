"""Log lines on standard error: an object of JSON each, or a line for people."""

import asyncio
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from service.settings import Settings

FLUSH_SECONDS = 0.05
"""Longest that a request's line stays unwritten."""

_PLAIN = r"[!-~]*"

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


def configure_logging(settings: Settings) -> None:
    """Sends this process's log lines to standard error; each worker process does this for itself."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if for_people(settings) else JsonFormatter())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)


def for_people(settings: Settings) -> bool:
    """Whether log lines are text."""
    return settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())


class JsonFormatter(logging.Formatter):
    """Time (UTC), level, logger, message, what came as `extra`, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return to_json(line, fallback=str, inf_nan_mode="constants").decode()


class TextFormatter(logging.Formatter):
    """Level, message, then `name=value` for what came as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, followed by the traceback if there is one."""
        words = [f"{record.levelname}:", record.getMessage()]
        words += _words(_extra(record))
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


def _words(fields: dict[str, Any]) -> list[str]:
    """`name=value` for each, in such a way that no value can end the line or begin another word."""
    return [f"{name}={value if re.fullmatch(_PLAIN, str(value)) else repr(value)}" for name, value in fields.items()]


class RequestLog:
    """A line for each request, written a few at a time: the logging module would cost a tenth of a short request.

    Args:
        for_people: text lines instead of JSON.
        write: takes lines, encoded.
    """

    def __init__(self, for_people: bool, write: Callable[[bytes], object]) -> None:
        self._for_people = for_people
        self._write = write
        self._lines: list[bytes] = []

    def add(self, **fields: Any) -> None:
        """A line with these fields, on its way at the latest in `FLUSH_SECONDS`; called on the event loop."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if self._for_people:
            line = " ".join(["INFO: request", *_words(fields)]).encode()
        else:
            line = to_json({"time": now, "level": "info", "logger": "service.request", "message": "request", **fields})
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Writes what has gathered."""
        if self._lines:
            self._write(b"\n".join([*self._lines, b""]))
            self._lines.clear()
