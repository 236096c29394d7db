"""Files that are not text: recognized by their first bytes, so that the refusal can name them."""

from service.errors import InvalidRequestError
from service.files.compression import GZIP_MAGIC
from service.files.record import Options

BYTES = 8
"""Bytes that suffice to recognize a file."""

_SIGNATURES = {
    b"PK\x03\x04": "an Excel workbook (.xlsx), an OpenDocument file or another ZIP archive. Save the sheet as CSV "
    "(in Excel: CSV UTF-8), or unpack the archive",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls). Save the sheet as CSV (in Excel: CSV UTF-8)",
    b"PAR1": "Parquet, which only the command line reads: python -m service score FILE --output OUTPUT",
    b"ARROW1": "an Arrow or Feather file. Write it as CSV, NDJSON or Parquet",
    b"SQLite f": "an SQLite database. Export the table: sqlite3 -csv -header FILE 'select * from TABLE'",
    b"%PDF-": "a PDF. Extract its text first",
    b"BZh": "compressed with bzip2. Expand it, or compress it with gzip",
    b"\xfd7zXZ\0": "compressed with xz. Expand it, or compress it with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with Zstandard. Expand it, or compress it with gzip",
    GZIP_MAGIC: "compressed with gzip; say so with 'Content-Encoding: gzip'",
}


def check_signature(beginning: bytes, options: Options) -> None:
    """Refuse a file that is not text.

    Args:
        beginning: its first bytes, `BYTES` or all that there are.
        options: how it should be read.

    Raises:
        InvalidRequestError: naming what it is, and what to do.
    """
    for signature, description in _SIGNATURES.items():
        if beginning.startswith(signature):
            is_table = options.flags and signature == b"PAR1"
            raise InvalidRequestError(f"The file is {'Parquet; add --format parquet' if is_table else description}.")
