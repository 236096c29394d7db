"""The formats of files, by the media types and suffixes that name them."""

from collections.abc import Callable
from dataclasses import dataclass

from service.files.delimited import DelimitedFormat
from service.files.ndjson import JsonFormat, NdjsonFormat
from service.files.plain import PlainFormat
from service.files.record import Format

FORMATS: dict[str, Callable[..., Format]] = {
    "csv": DelimitedFormat,
    "json": JsonFormat,
    "ndjson": NdjsonFormat,
    "text": PlainFormat,
}
"""Formats by name; each is made of options, a start position and the header read before it."""

DELIMITERS = {"tab": "\t", "\\t": "\t"}
"""Delimiters by the names that are easier to write."""


@dataclass(frozen=True)
class FileType:
    """A format with the defaults that a media type or a suffix implies.

    Attributes:
        format: key of `FORMATS`, or "parquet".
        delimiter: of CSV.
        quote: whether a double quote can open a field. Tab-separated values, as registered with IANA, know no quotes.
    """

    format: str
    delimiter: str = ","
    quote: bool = True


_CSV = FileType("csv")
_TSV = FileType("csv", "\t", quote=False)
_NDJSON = FileType("ndjson")
_JSON = FileType("json")
_TEXT = FileType("text")

MEDIA_TYPES = {
    "application/x-ndjson": _NDJSON,
    "application/ndjson": _NDJSON,
    "application/jsonl": _NDJSON,
    "application/x-jsonl": _NDJSON,
    "application/jsonlines": _NDJSON,
    "application/x-jsonlines": _NDJSON,
    "application/json-lines": _NDJSON,
    "text/x-ndjson": _NDJSON,
    "application/json": _JSON,
    "text/csv": _CSV,
    "application/csv": _CSV,
    "text/x-csv": _CSV,
    "text/tab-separated-values": _TSV,
    "text/tsv": _TSV,
    "text/plain": _TEXT,
}
"""File types by media type. NDJSON has no registered media type, so all names in use are read."""

SUFFIXES = {
    ".csv": _CSV,
    ".tsv": _TSV,
    ".ndjson": _NDJSON,
    ".jsonl": _NDJSON,
    ".json": _JSON,
    ".txt": _TEXT,
    ".parquet": FileType("parquet"),
}
"""File types by the suffix of a file's name, before `.gz` if it has that too."""


def suffix_of(name: str) -> str:
    """Return the suffix of a file's name in lower case, `.gz` left out: ".csv" for "Reviews.CSV.gz"."""
    name = name.lower().removesuffix(".gz")
    dot = name.rfind(".")
    return name[dot:] if dot > 0 else ""
