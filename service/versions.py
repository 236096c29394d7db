"""The version of a model as a request, a setting or a command gives it: its number, or a label."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

Version = int | str
"""A number from 1 on, or a label (see `models.rollout`)."""

NUMBER_PATTERN = "[1-9][0-9]{0,8}"
LABEL_PATTERN = "[A-Za-z][A-Za-z0-9._-]{0,62}"
VERSION_PATTERN = f"^({NUMBER_PATTERN}|{LABEL_PATTERN})$"

_NUMBER = re.compile(NUMBER_PATTERN)
_LABEL = re.compile(LABEL_PATTERN)
_JSON_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "exclusiveMaximum": 10**9},
        {"type": "string", "pattern": f"^{LABEL_PATTERN}$"},
    ]
}


def parse_version(text: str) -> Version:
    """Parse a version.

    Raises:
        ValueError: it is neither a number nor a label.
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    if _LABEL.fullmatch(text):
        return text
    raise ValueError(f"version is {text[:40]!r}; it should be a number from 1 on, or a label such as stable")


def check_version(value: Any) -> Version:
    """Check a version in JSON, where a number is no string.

    Raises:
        ValueError: it is neither a number nor a label.
    """
    if type(value) is int and 1 <= value < 10**9:
        return value
    if isinstance(value, str) and _LABEL.fullmatch(value):
        return value
    raise ValueError("it should be a number from 1 on, or a label such as stable")


def _parse(value: Any) -> Version | None:
    return parse_version(str(value)) if value is not None else None


JsonVersion = Annotated[Version, BeforeValidator(check_version), WithJsonSchema(_JSON_SCHEMA)]
"""A version in a JSON document."""

SettingVersion = Annotated[Version | None, BeforeValidator(_parse)]
"""A version in a setting."""
