"""The members of JSON objects as columns: JSON has no schema, so all of a file is read before its types are known."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow

from service.errors import InvalidRequestError
from service.files.record import Record, counted

_MAX_DIGITS = 18
"""Digits of a number that fits into 64 bits for certain; longer ones stay as they are written."""


class JsonMembers:
    """Columns of the members of all objects.

    A column is bool, int64 or double where all values are; otherwise string, in which objects, arrays and what stands
    beside strings are JSON. A missing member is null.

    Args:
        batches: records of the whole file.
        column: name of the member with the text; a string in the place of an object is its value.
        max_columns: members at most.

    Raises:
        InvalidRequestError: there are more members.
    """

    def __init__(self, batches: Iterable[Sequence[Record]], column: str, max_columns: int) -> None:
        self._column = column
        kinds: dict[str, set[type]] = {}
        for records in batches:
            for record in records:
                for name, value in self._members(record).items():
                    kinds.setdefault(name, set()).add(type(value))
            if len(kinds) > max_columns:
                raise InvalidRequestError(
                    f"The objects have more than {counted(max_columns, 'member')} in all, too many for columns: "
                    "SENTIMENT_MAX_COLUMNS allows more."
                )
        self.schema = pyarrow.schema([(name, _type(found - {type(None)})) for name, found in kinds.items()])

    def columns(self, records: Sequence[Record]) -> list[Any]:
        """Return the values of n records as arrays of n values, in the order of the schema."""
        objects = [self._members(record) for record in records]
        return [
            pyarrow.array([_converted(members.get(field.name), field.type) for members in objects], field.type)
            for field in self.schema
        ]

    def _members(self, record: Record) -> dict[str, Any]:
        """Return the members of a record; none where it is no JSON."""
        try:
            value = _read(record.raw.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return {}
        if isinstance(value, str):
            return {self._column: value}
        return {_clean(name): member for name, member in value.items()} if isinstance(value, dict) else {}


_read = json.JSONDecoder(parse_int=lambda digits: int(digits) if len(digits) <= _MAX_DIGITS else digits).decode


def _type(kinds: set[type]) -> Any:
    if kinds == {bool}:
        return pyarrow.bool_()
    if kinds == {int}:
        return pyarrow.int64()
    return pyarrow.float64() if kinds and kinds <= {int, float} else pyarrow.string()


def _converted(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if kind == pyarrow.float64():
        return float(value)
    if kind != pyarrow.string():
        return value
    return _clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _clean(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can escape and UTF-8 cannot have."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
