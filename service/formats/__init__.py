"""File formats: bytes to records, records and predictions to bytes. No HTTP, no event loop, no model.

A chunk of a file goes through `reading` (which expands gzip), `splitting` (bytes
to lines or rows) and the format itself (`plain`, `ndjson`, `delimited`), which also writes the answers.
"""

from service.formats.delimited import DelimitedFormat
from service.formats.ndjson import NdjsonFormat
from service.formats.plain import PlainFormat

FORMATS = {"ndjson": NdjsonFormat, "csv": DelimitedFormat, "text": PlainFormat}
"""Formats by name."""

DELIMITERS = {"tab": "\t", "\\t": "\t"}
"""Delimiters by the names that are easier to write."""
