"""CSV: rows are found where Python's csv module finds them, and come back as they were sent."""

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequestError, LineTooLongError, RequestError
from service.problems import PROBLEMS
from tests.service.files.reading import answered, chunk_sizes, read

field = st.lists(st.sampled_from([*'ab"",;\n é', "\r\n"]), max_size=6).map("".join)
rows = st.lists(st.lists(field, min_size=2, max_size=2), max_size=6)


def written(rows: list[list[str]], delimiter: str = ",", end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return file.getvalue().encode()


@given(
    rows,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    chunk_sizes,
)
def test_what_the_csv_module_writes_is_read_back(
    rows: list[list[str]], delimiter: str, end: str, quoting: int, sizes: list[int]
) -> None:
    data = written([["id", "text"], *rows], delimiter, end, quoting)
    records = read("csv", data, sizes, delimiter=delimiter)
    assert [r.text for r in records] == [text if text and not text.isspace() else "" for _, text in rows]
    assert b"".join(r.raw for r in records) == data[len(written([["id", "text"]], delimiter, end, quoting)) :]


@given(st.text(st.sampled_from('ab"",\n'), max_size=60), chunk_sizes)
def test_any_bytes_are_read_as_the_csv_module_reads_them(body: str, sizes: list[int]) -> None:
    data = "text\n" + body
    expected = list(csv.reader(io.StringIO(data, newline=""), strict=False))[1:]
    records = read("csv", data.encode(), sizes)
    assert len(records) == len([row for row in expected if row])
    for record, row in zip(records, (row for row in expected if row), strict=True):
        if record.error is None:
            assert [record.text] == row
        elif type(record.error) is InvalidRequestError and "fields" in str(record.error):
            assert len(row) > 1


@given(st.binary(max_size=80), chunk_sizes)
def test_how_the_bytes_are_cut_changes_nothing(body: bytes, sizes: list[int]) -> None:
    data = b"id,text\n1,good\n" + body
    assert answered("csv", data, sizes, max_line_bytes=20) == answered("csv", data, max_line_bytes=20)


@given(rows, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_answer_is_the_same_table_with_three_columns_more(rows: list[list[str]], end: str, mark: bool) -> None:
    data = b"\xef\xbb\xbf" * mark + written([["id", "text"], *rows], end=end)
    answer = answered("csv", data)
    assert answer.startswith("\ufeff") == mark
    header, *table = csv.reader(io.StringIO(answer.removeprefix("\ufeff"), newline=""))
    assert header == ["id", "text", "label", "probability", "error"]
    assert [row[:2] for row in table] == rows
    for _, text, label, probability, error in table:
        blank = not text or text.isspace()
        assert (label, probability, bool(error)) == (("", "", True) if blank else ("positive", "0.75", False))


def test_a_row_comes_back_byte_for_byte() -> None:
    sent = 'id,text,note\r\n 1,"two ""lines"",\nand more",x\r\n2, good ,"y"'
    assert answered("csv", sent.encode()) == (
        "id,text,note,label,probability,error\r\n"
        ' 1,"two ""lines"",\nand more",x,positive,0.75,\r\n'
        '2, good ,"y",positive,0.75,\r\n'
    )


def test_column_delimiter_and_prefix_are_taken() -> None:
    sent = b"label\treview\ttext\n1\tgood\t\n"
    assert answered("csv", sent, column="review", delimiter="\t", prefix="my_") == (
        "label\treview\ttext\tmy_label\tmy_probability\tmy_error\n1\tgood\t\tpositive\t0.75\t\n"
    )


def test_what_is_added_is_quoted_where_it_holds_the_delimiter() -> None:
    assert answered("csv", b"text\ngood\n", delimiter=".").splitlines()[1] == 'good.positive."0.75".'


@pytest.mark.parametrize(
    ("row", "fields", "words"),
    [
        (b"2,", ["2", ""], "blank"),
        (b'2,"  "', ["2", "  "], "blank"),
        (b"2", ["", ""], "1 fields, the header 2"),
        (b"2,good,3", ["", ""], "3 fields, the header 2"),
        (b"2,\xff", ["", ""], "Byte 3 of the line is not UTF-8"),
        (b"2,go\0od", ["2", "go\0od"], "NUL at character 3"),
        (b"2,a\rb", ["", ""], "not CSV"),
        (b"2," + b"x" * 61, ["2", "x" * 61], "61 characters"),
        (b"2," + b"x" * 200, ["", ""], "more than 100 bytes"),
        (b'2,"' + b"x\n" * 200 + b'"', ["", ""], "more than 100 bytes"),
    ],
)
def test_a_bad_row_keeps_its_place(row: bytes, fields: list[str], words: str) -> None:
    data = b"id,text\n1,good\n" + row + b"\n3,bad\n"
    answer = answered("csv", data, max_text_chars=60, max_line_bytes=100)
    _, first, bad, last = csv.reader(io.StringIO(answer))
    assert (first, last) == (["1", "good", "positive", "0.75", ""], ["3", "bad", "positive", "0.75", ""])
    assert bad[:-1] == [*fields, "", ""]
    assert bad[-1].startswith("line 3: ")
    assert words in bad[-1]


def test_the_number_of_a_row_is_that_of_its_first_line() -> None:
    assert [r.line for r in read("csv", b'text\n\n"a\n\nb"\n\nc\n')] == [3, 7]


def test_empty_lines_are_no_rows() -> None:
    assert answered("csv", b"\n\ntext\n\ngood\n\r\n\n") == "text,label,probability,error\ngood,positive,0.75,\n"


def test_a_quote_that_is_never_closed_is_told_where_it_opened() -> None:
    good, bad = read("csv", b'text\ngood\n"bad\n\nrest\n')
    assert (good.text, bad.line, bad.raw) == ("good", 3, b"")
    assert "not closed" in str(bad.error)


def test_a_field_may_be_longer_than_the_csv_module_likes() -> None:
    [record] = read("csv", b"note,text\n" + b"x" * 500_000 + b",good\n")
    assert (record.text, record.error) == ("good", None)


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        (b"id,review\n1,good\n", {}, InvalidRequestError, "no column 'text'; it has 'id', 'review'"),
        (b"id;text\n1;good\n", {}, InvalidRequestError, "delimiter"),
        (b"text,text\na,b\n", {}, InvalidRequestError, "more than one"),
        (b"text,label\na,b\n", {}, InvalidRequestError, "'label' already.*prefix"),
        (b"text,error\na,b\n", {}, InvalidRequestError, "'error' already.*prefix"),
        (b"text,x_label\na,b\n", {"prefix": "x_"}, InvalidRequestError, "'x_label' already"),
        (b"\n\n", {}, InvalidRequestError, "no header"),
        (b"\xff\n", {}, RequestError, "UTF-8"),
        (b'"text\n', {}, InvalidRequestError, "not closed"),
        (b"text" * 30 + b"\n", {"max_line_bytes": 100}, LineTooLongError, "more than 100"),
        *(
            (b"text\n", {"delimiter": mark}, InvalidRequestError, "delimiter")
            for mark in ("", "ab", "x", '"', "\n", "é")
        ),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_file(
    data: bytes, options: dict[str, Any], error: type[RequestError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read("csv", data, **options)


def test_an_error_of_a_row_is_in_the_table_of_problems() -> None:
    kinds = {type(r.error) for r in read("csv", b"text\na,b\n\xff\n\0\n \n", max_text_chars=60)}
    assert kinds <= set(PROBLEMS)
    assert len(kinds) == 3
