"""NDJSON and plain text."""

import gzip
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BrokenGzipError, InvalidRequestError
from service.files.record import Record
from service.problems import PROBLEMS
from tests.service.files.reading import MEMBERS, answered, chunk_sizes, cuts, read

any_line = st.one_of(
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20).map(str.encode),
    st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")),
    st.dictionaries(st.sampled_from(["text", "id", "label"]), st.text(max_size=5) | st.integers()).map(
        lambda value: json.dumps(value).encode()
    ),
    st.sampled_from([b"", b" ", b"\r", b"x" * 50, b'"' + b"x" * 50 + b'"']),
)


def errors(name: str, data: bytes, **options: Any) -> dict[int, str]:
    """The kinds of problem by line."""
    return {r.line: PROBLEMS[type(r.error)].slug for r in read(name, data, **options) if r.error}  # type: ignore[index]


def test_an_object_comes_back_byte_for_byte_with_the_prediction_at_its_end() -> None:
    sent = '{"b" : 1e400, "text":"gut \\u00e9 é", "id": 123456789012345678901234567890, "b":[ 1.10 ] }'
    assert answered("ndjson", sent.encode()).splitlines() == [
        f"{sent[:-1]},{MEMBERS}}}",
        '{"summary":{"lines":1,"scored":1,"errors":0}}',
    ]


def test_a_string_and_a_plain_line_are_answered_by_number() -> None:
    assert answered("ndjson", b'"good"\r\n"{bad}"').splitlines()[:2] == [
        f'{{"line":1,{MEMBERS}}}',
        f'{{"line":2,{MEMBERS}}}',
    ]
    assert answered("text", b"good\r\nbad").splitlines()[:2] == [f'{{"line":1,{MEMBERS}}}', f'{{"line":2,{MEMBERS}}}']


def test_the_text_is_what_the_line_holds() -> None:
    assert [r.text for r in read("text", ' a \r\n"b"\n좋다\n{"text":1}\n'.encode())] == [
        " a ",
        '"b"',
        "좋다",
        '{"text":1}',
    ]
    assert [r.text for r in read("ndjson", b'{"text":"a\\nb"}\n {"text":"x","text":"y"} \n"\\ud83d\\ude00"\n')] == [
        "a\nb",
        "y",
        "😀",
    ]


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        (b"good", "broken-json"),
        (b'{"text": "good"', "broken-json"),
        (b'{"text": "good"} {}', "broken-json"),
        (b'{"text": "good", "n": NaN}', "broken-json"),
        (b'{"text": "\xff"}', "broken-json"),
        (b"[" * 5_000, "broken-json"),
        (b'{"text": "good", "a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "broken-json"),
        (b"null", "invalid-request"),
        (b"1", "invalid-request"),
        (b'["good"]', "invalid-request"),
        (b"{}", "invalid-request"),
        (b'{"text": 1}', "invalid-request"),
        (b'{"text": 1.5}', "invalid-request"),
        (b'{"text": null}', "invalid-request"),
        (b'{"text": "good", "words": 1}', "invalid-request"),
        (b'{"text": " \\n"}', "blank-text"),
        (b'""', "blank-text"),
        (b"", "blank-text"),
        (b" \t\r", "blank-text"),
        (b'{"text": "go\\u0000od"}', "invalid-text"),
        (b'{"text": "\\ud800"}', "invalid-text"),
        (json.dumps({"text": "x" * 61}).encode(), "text-too-long"),
        (b'"' + b"x" * 20_000 + b'"', "line-too-long"),
    ],
)
def test_a_bad_line_of_ndjson_is_an_error_in_its_place(line: bytes, slug: str) -> None:
    data = b'"good"\n' + line + b'\n{"text": "bad"}\n'
    assert errors("ndjson", data, max_text_chars=60, max_line_bytes=20_000) == {2: slug}
    before, bad, after, summary = answered("ndjson", data, max_text_chars=60, max_line_bytes=20_000).splitlines()
    assert (json.loads(before)["line"], json.loads(after)["label"]) == (1, "positive")
    assert json.loads(bad)["line"] == 2
    assert json.loads(bad)["error"]["type"] == f"/problems/{slug}"
    assert json.loads(summary) == {"summary": {"lines": 3, "scored": 2, "errors": 1}}


def test_a_number_of_a_million_digits_takes_no_time() -> None:
    [record] = read("ndjson", b'{"text": "good", "n": ' + b"9" * 900_000 + b"}")
    assert record.text == "good"


@pytest.mark.parametrize(
    ("line", "slug"),
    [
        (b"", "blank-text"),
        (b" ", "blank-text"),
        ("\u00a0".encode(), "blank-text"),
        (b"go\0od", "invalid-text"),
        (b"\xff", "invalid-text"),
        (b"\xed\xa0\x80", "invalid-text"),
        (b"x" * 61, "text-too-long"),
        (b"x" * 100, "line-too-long"),
    ],
)
def test_a_bad_line_of_text_is_an_error_in_its_place(line: bytes, slug: str) -> None:
    data = b"good\n" + line + b"\nbad"
    assert errors("text", data, max_text_chars=60, max_line_bytes=100) == {2: slug}
    assert len(read("text", data, max_text_chars=60, max_line_bytes=100)) == 3


@pytest.mark.parametrize("name", ["text", "ndjson"])
def test_blank_lines_at_the_end_are_no_records(name: str) -> None:
    assert [r.line for r in read(name, b'"good"\n\n \r\n"bad"\n\n  \n\r\n')] == [1, 2, 3, 4]


def test_the_limit_of_a_line_counts_its_end() -> None:
    assert errors("text", b"1234567\r\n12345678\n123456789", max_line_bytes=9) == {}
    assert errors("text", b"12345678\r\n123456789\n1234567890", max_line_bytes=9) == dict.fromkeys(
        (1, 2, 3), "line-too-long"
    )


@pytest.mark.parametrize("name", ["text", "ndjson"])
def test_a_byte_order_mark_is_passed_over(name: str) -> None:
    assert next(r.text for r in read(name, b'\xef\xbb\xbf"good"\n')).strip('"') == "good"


@pytest.mark.parametrize("name", ["text", "ndjson", "csv"])
def test_gzip_that_is_not_announced_is_refused_with_the_header_to_send(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="Content-Encoding: gzip"):
        read(name, gzip.compress(b"text\n"))


@given(st.lists(any_line, max_size=8), st.sampled_from([b"\n", b"\r\n"]), st.booleans(), chunk_sizes)
def test_how_the_bytes_are_cut_changes_nothing(lines: list[bytes], end: bytes, last: bool, sizes: list[int]) -> None:
    data = end.join(lines) + end * last
    if data[:2] in (b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b"):
        return
    for name in ("text", "ndjson"):
        if name == "ndjson" and data.lstrip().startswith(b"["):
            continue  # an array has elements in place of lines
        whole = answered(name, data, encoding="utf-8", max_line_bytes=40)
        assert answered(name, data, sizes, "utf-8", max_line_bytes=40) == whole
        records = read(name, data, sizes, encoding="utf-8", max_line_bytes=40)
        assert [r.line for r in records] == list(range(1, len(records) + 1))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=3), chunk_sizes)
def test_gzip_of_any_members_and_chunks_is_expanded(data: bytes, members: list[int], sizes: list[int]) -> None:
    data = b"plain" + data
    packed = b"".join(gzip.compress(part) for part in cuts(data, members)) + b"\0" * 3

    def _read(data: bytes, sizes: Sequence[int] = (), compressed: bool = False) -> list[Record]:
        return read("text", data, sizes, compressed, encoding="utf-8")

    expanded = [(r.line, r.text, str(r.error), r.raw, r.after) for r in _read(packed, sizes, True)]
    assert expanded == [(r.line, r.text, str(r.error), r.raw, r.after) for r in _read(data)]


@pytest.mark.parametrize(
    "damaged", [gzip.compress(b"good\nbad\n", mtime=0)[:-3], b"no gzip", gzip.compress(b"good\n", mtime=0) + b"more"]
)
def test_broken_gzip_is_told(damaged: bytes) -> None:
    with pytest.raises(BrokenGzipError):
        read("text", damaged, compressed=True)


def test_a_gzip_bomb_is_one_line_too_long() -> None:
    bomb = gzip.compress(b"good\n" + b"x" * 50_000_000 + b"\nbad\n")
    records = read("text", bomb, compressed=True)
    assert [(r.line, r.text, bool(r.error), len(r.raw)) for r in records] == [
        (1, "good", False, 5),
        (2, "", True, 0),
        (3, "bad", False, 4),
    ]
