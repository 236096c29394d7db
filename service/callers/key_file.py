"""The lines of API keys: `KEY`, or `NAME KEY [REQUESTS/S] [TEXTS/S] [PRIORITY]`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import get_args

from service.scheduler import Urgency

_HASHED = "sha256:"
_DIGEST = re.compile("[0-9a-fA-F]{64}")
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_RATE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_UNLIMITED = "-"


class KeyLineError(ValueError):
    """A line of keys cannot be read. The message names the line and says nothing of what is in it."""


@dataclass(frozen=True)
class ApiKey:
    """An API key and what its line says of it.

    Attributes:
        digest: SHA-256 of the key.
        name: of the caller, for log lines and metrics; empty if the line gives none.
        requests_per_second: most requests on average; None for any number.
        texts_per_second: most texts on average; None for any number.
        urgency: the lane of its texts.
    """

    digest: bytes
    name: str = ""
    requests_per_second: float | None = None
    texts_per_second: float | None = None
    urgency: Urgency = "normal"


def parse_keys(lines: Iterable[str]) -> list[ApiKey]:
    """Parse lines of keys; blank lines and those that begin with # are passed over.

    Raises:
        KeyLineError: a line cannot be read, or has the key of another.
    """
    keys: dict[bytes, tuple[int, ApiKey]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key = _parse(number, line.split())
        if key.digest in keys:
            raise KeyLineError(f"line {number}: this is the key of line {keys[key.digest][0]}")
        keys[key.digest] = number, key
    return [key for _, key in keys.values()]


def _parse(number: int, words: list[str]) -> ApiKey:
    if len(words) == 1:
        return ApiKey(_digest(number, words[0]))
    name, key, *limits = words
    if not _NAME.fullmatch(name):
        raise KeyLineError(f"line {number}: the name, before the key, should be letters, digits, . _ @ -")
    urgency = limits.pop() if limits and limits[-1] in get_args(Urgency) else "normal"
    if len(limits) > 2 or not all(_is_limit(limit) for limit in limits):
        raise KeyLineError(
            f"line {number}: after name and key there should be requests/s, texts/s (numbers above 0, - for any) and "
            f"a priority ({', '.join(get_args(Urgency))}), or the first of these"
        )
    requests, texts = (None if limit == _UNLIMITED else float(limit) for limit in [*limits, *"--"][:2])
    return ApiKey(_digest(number, key), name, requests, texts, urgency)  # type: ignore[arg-type] # checked


def _is_limit(word: str) -> bool:
    return word == _UNLIMITED or (_RATE.fullmatch(word) is not None and float(word) > 0)


def _digest(number: int, key: str) -> bytes:
    if not key.startswith(_HASHED):
        return sha256(key.encode()).digest()
    digest = key.removeprefix(_HASHED)
    if not _DIGEST.fullmatch(digest):
        raise KeyLineError(f"line {number}: after {_HASHED} there should be the 64 hexadecimal digits of a hash")
    return bytes.fromhex(digest)
