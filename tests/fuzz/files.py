"""Files of every format, encoding and framing: records or a refusal, whatever the bytes and however they are cut."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import RequestError, ServiceError
from service.files.answering import Summary, answer
from service.files.encoding import encoding_named
from service.files.formats import FORMATS
from service.files.reading import Reader
from service.files.record import Format, Options
from service.problems import PROBLEMS, problem_fields
from tests.service.files.reading import PREDICTION, cuts

ENCODINGS = [None, "utf-8", "cp949", "utf-16", "utf-16-be", "utf-32", "cp1252", "shift_jis", "gb18030", "johab"]

_pieces = st.sampled_from(
    [
        *(b"text", b"id", b"label", b'"', b'""', b",", b";", b"\t", b"|", b"\r", b"\n", b"\r\n", b"\n\n", b" ", b"\0"),
        *(b"sep=;\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"PK\x03\x04"),
        *(b'{"text":"good"}', b'{"text":', b'"good"', b"[", b"]", b"{", b"}", b":", b"\\", b'\\"', b"\\ud800", b"null"),
        *(b"NaN", b"1e999", b"9" * 50, b'{"columns":[', b'{"0":{', b"\x1f\x8b", b"\x80", b"\xc3", b"\xed\xa0\x80"),
        *(
            "영화".encode(),
            "영화".encode("cp949"),
            "영화\n".encode("utf-16-le"),
            "caf\xe9".encode("cp1252"),
            b"a" * 300,
        ),
    ]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "id", "label", ""]), inner),
    max_leaves=8,
)
_whole = st.builds(
    lambda values, indent, lines: (
        "\n".join(map(json.dumps, values)) if lines else json.dumps(values, indent=indent)
    ).encode(),
    st.lists(_values, max_size=5),
    st.sampled_from([None, 1]),
    st.booleans(),
)
contents = st.lists(_pieces | st.binary(max_size=20), max_size=30).map(b"".join) | _whole
options = st.fixed_dictionaries(
    {},
    optional={
        "column": st.sampled_from(["text", "1", "2", "id", "영화", ""]),
        "delimiter": st.sampled_from([",", ";", "\t", "|", " ", "x", ""]),
        "quote": st.booleans(),
        "header": st.booleans(),
        "prefix": st.sampled_from(["", "model_", '"']),
        "max_line_bytes": st.integers(1, 60),
        "max_columns": st.integers(1, 3),
        "names_model": st.booleans(),
        "flags": st.booleans(),
    },
)


def _answered(name: str, given: dict[str, Any], chunks: Iterator[bytes], encoding: str | None, packed: bool) -> bytes:
    """Answer a file, or give its refusal."""
    try:
        file_format: Format = FORMATS[name](Options(**given))
        reader = Reader(file_format, packed, encoding and encoding_named(encoding))
        records = [record for chunk in chunks for record in reader.feed(chunk) if record]
        records += [record for record in reader.finish() if record]
    except RequestError as error:
        return f"{PROBLEMS[type(error)].slug}: {error}".encode("utf-8", "backslashreplace")
    for record in records:
        assert (record.error is None) == bool(record.text)
        assert record.error is None or isinstance(record.error, ServiceError)
    summary = Summary()
    predictions = [PREDICTION for record in records if not record.error]
    body = answer(file_format, records, predictions, problem_fields, summary)
    return file_format.head() + body + file_format.tail(summary.fields(file_format.notes))


@given(
    st.sampled_from(sorted(FORMATS)),
    options,
    contents,
    st.lists(st.integers(1, 9), max_size=20),
    st.sampled_from(ENCODINGS),
    st.booleans(),
)
@example("json", {}, b"[\n []\n]", [2], None, False)
@example("csv", {}, b"\x01\xc6T\xd6\n\x00texttext", [1, 7], None, False)
def files(
    name: str, given: dict[str, Any], content: bytes, sizes: list[int], encoding: str | None, packed: bool
) -> None:
    """Answer a file in chunks as the same file in one piece."""
    if packed:
        content = gzip.compress(content)
    whole = _answered(name, given, iter((content,)), encoding, packed)
    assert _answered(name, given, cuts(content, sizes), encoding, packed) == whole


@given(st.sampled_from(sorted(FORMATS)), st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=20))
@example("csv", b"\x1f\x8b\x08", [])
def damaged(name: str, content: bytes, sizes: list[int]) -> None:
    """Refuse what is no gzip, or read what is."""
    _answered(name, {}, cuts(content, sizes), None, packed=True)
