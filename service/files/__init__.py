"""Files of texts: bytes to records, records and predictions to bytes, without HTTP.

A chunk of a file goes through `reading` (which expands gzip), `splitting` (bytes to lines or rows) and the format
itself (`plain`, `ndjson`, `delimited`, `parquet`), which also writes the answers. `score` does a whole file without a
server, and `part` is what it leaves when it is interrupted; `command` is what the command line calls.
"""

from service.files.delimited import DelimitedFormat
from service.files.ndjson import NdjsonFormat
from service.files.plain import PlainFormat

FORMATS = {"ndjson": NdjsonFormat, "csv": DelimitedFormat, "text": PlainFormat}
"""Formats by name."""

DELIMITERS = {"tab": "\t", "\\t": "\t"}
"""Delimiters by the names that are easier to write."""
