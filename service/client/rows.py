"""Rows of CSV, as they are written and as fields."""

import csv
from collections.abc import Iterable, Iterator
from typing import Literal

_MAX_FIELD_CHARS = 2**31 - 1


def csv_rows(lines: Iterable[bytes], delimiter: str, quoted: bool) -> Iterator[tuple[bytes, list[str]]]:
    """Yield each row as it is written, with the lines that quotes hold together, and its fields as Latin-1.

    Python's csv module finds the rows; its rules are those of the service, for broken quotes as well. The fields of a
    row that it cannot read are empty: the service answers it with an error.

    Args:
        lines: of the file, each with its end.
        delimiter: one ASCII character.
        quoted: whether quotes can enclose a field.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD_CHARS))
    held: list[bytes] = []

    def decoded() -> Iterator[str]:
        for line in lines:
            held.append(line)
            yield line.decode("latin-1")

    rest = decoded()
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    while True:
        try:
            for fields in csv.reader(rest, delimiter=delimiter, quoting=quoting):
                yield b"".join(held), fields
                held.clear()
            return
        except csv.Error:
            yield b"".join(held), []
            held.clear()
