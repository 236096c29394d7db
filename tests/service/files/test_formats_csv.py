"""CSV: rows are found where Python's csv module finds them, and come back as they were sent."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequestError, LineTooLongError, RequestError
from service.problems import PROBLEMS
from tests.service.files.reading import answer_to, answered, chunk_sizes, read

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
    whole = answer_to("csv", data, encoding="utf-8", max_line_bytes=20)
    assert answer_to("csv", data, sizes, "utf-8", max_line_bytes=20) == whole


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
        (b"2", ["", ""], "1 field, the header 2"),
        (b"2,good,3", ["", ""], "3 fields, the header 2"),
        (b"2,\xff", ["2", "\ufffd"], "Byte 3 of the line is not UTF-8"),
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
        (b"text,label\na,b\n", {}, InvalidRequestError, r"'label' already; .*: \?prefix=sentiment_$"),
        (b"text,error\na,b\n", {}, InvalidRequestError, r"'error' already; .*: \?prefix=sentiment_$"),
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


NSMC = (
    'id\tdocument\tlabel\n1\t연기가 "정말" 좋았다\t1\n2\t"이 영화 최고" 라고들 하는데 글쎄\t0\n'
    '3\t"따옴표가 열리고 안 닫힘\t0\n4\t재미있다\t1\n5\t별로"\t0\n6\t\t1\n7\t또 보고싶다\t1\n'
)


def test_without_quotes_every_line_is_a_row() -> None:
    records = read("csv", NSMC.encode(), column="document", delimiter="\t", quote=False, prefix="model_")
    assert [r.text for r in records] == [row.split("\t")[1] for row in NSMC.splitlines()[1:]]
    assert [r.line for r in records if r.error] == [7]
    answer = answered("csv", NSMC.encode(), column="document", delimiter="\t", quote=False, prefix="model_")
    assert [line.split("\t")[:3] for line in answer.splitlines()] == [line.split("\t") for line in NSMC.splitlines()]
    assert {line.count("\t") for line in answer.splitlines()} == {5}


def test_the_files_of_nsmc_are_read_as_training_reads_them(nsmc_data_dir: Path) -> None:
    data = (nsmc_data_dir / "ratings_test.txt").read_bytes()
    expected = [line.split("\t")[1] for line in data.decode().split("\n")[1:-1]]
    records = read("csv", data, column="document", delimiter="\t", quote=False, prefix="model_")
    assert len(records) == len(expected) == 50_000
    blank = [record.line for record in records if record.error]
    assert [r.text for r in records] == [text if text.strip() else "" for text in expected]
    assert len(blank) == sum(not text.strip() for text in expected)


def test_without_quotes_what_is_added_holds_no_delimiter() -> None:
    answer = answered("csv", b"text\tid\n\0a\t1\n", delimiter="\t", quote=False)
    assert answer.splitlines()[1].count("\t") == 4
    with pytest.raises(InvalidRequestError, match="part of numbers"):
        read("csv", b"text.id\n", delimiter=".", quote=False)


@pytest.mark.parametrize(
    ("data", "column", "texts"),
    [
        (b"Good film\nAwful film\n", "text", ["Good film", "Awful film"]),
        (b"1,Good film\n2,Awful film", "2", ["Good film", "Awful film"]),
        (b"\n1,Good film\n2\n", "2", ["Good film", ""]),
    ],
)
def test_a_file_without_a_header_is_read_by_number(data: bytes, column: str, texts: list[str]) -> None:
    records = read("csv", data, header=False, column=column)
    assert [r.text for r in records] == texts
    answer = answered("csv", data, header=False, column=column)
    assert answer.splitlines()[0] == data.decode().strip().splitlines()[0] + ",positive,0.75,"


@pytest.mark.parametrize("column", ["text", "0", "3", "x", "9" * 50, "\u0661"])
def test_without_a_header_a_column_that_is_no_number_of_one_is_refused(column: str) -> None:
    with pytest.raises(InvalidRequestError, match="a number from 1 to 2"):
        read("csv", b"1,Good film\n", header=False, column=column)


def test_the_refusal_of_a_header_says_what_to_type() -> None:
    with pytest.raises(InvalidRequestError, match=r"\?column=NAME.*\?delimiter=;.*\?header=none"):
        read("csv", b"Good film\nAwful film\n")
    with pytest.raises(InvalidRequestError, match=r"--column NAME.*--header none"):
        read("csv", b"Good film\nAwful film\n", flags=True)
    with pytest.raises(InvalidRequestError, match="curl -d @FILE removed the line ends"):
        read("csv", b"id,text1,Good film2,Awful film")


@pytest.mark.parametrize("line", ["sep=;\n", '"sep=;"\r\n', "SEP=;\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_separator_that_excel_writes_is_taken_and_comes_back(line: str, mark: str) -> None:
    sent = f"{mark}{line}id;text\n1;Good, warm\n2;Awful\n"
    assert [r.text for r in read("csv", sent.encode())] == ["Good, warm", "Awful"]
    assert answered("csv", sent.encode()) == (
        f"{mark}{line}id;text;label;probability;error\n1;Good, warm;positive;0.75;\n2;Awful;positive;0.75;\n"
    )


def test_a_column_is_found_in_either_normal_form() -> None:
    decomposed = "\u1102\u1162\u110b\u116d\u11bc"  # 내용, as macOS writes it
    assert [r.text for r in read("csv", f"번호,{decomposed}\n1,좋다\n".encode(), column="내용")] == ["좋다"]
    assert [r.text for r in read("csv", "번호,내용\n1,좋다\n".encode(), column=decomposed)] == ["좋다"]


def test_fields_of_the_prediction_can_be_chosen() -> None:
    fields = ("known_words", "words", "truncated", "label")
    assert answered("csv", b"text\ngood\n\0\n", fields=fields).splitlines() == [
        "text,known_words,words,truncated,label,error",
        "good,1,2,false,positive,",
        "\0,,,,,line 3: The text has a NUL at character 1.",
    ]
    for wrong in (("lable",), (), ("label", "label")):
        with pytest.raises(InvalidRequestError, match="fields"):
            read("csv", b"text\n", fields=wrong)


def test_columns_have_a_limit() -> None:
    assert read("csv", b"text," + b"," * 998 + b"\n") == []
    with pytest.raises(InvalidRequestError, match="1,001 columns; at most 1,000"):
        read("csv", b"text," + b"," * 999 + b"\n")
    with pytest.raises(InvalidRequestError, match="columns"):
        read("csv", b"," * 2_000 + b"\n", header=False, column="1")


@pytest.mark.parametrize(("mark", "option"), [(";", ";"), ("|", "|"), ("\t", "tab")])
def test_the_refusal_of_a_header_names_the_delimiter_that_it_probably_has(mark: str, option: str) -> None:
    header = mark.join(['"id"', '"text"', '"score"']).encode()
    with pytest.raises(InvalidRequestError, match=re.escape(f"?delimiter={option};")):
        read("csv", header + b"\n")


def test_the_type_that_powershell_writes_first_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="-NoTypeInformation"):
        read("csv", b'#TYPE System.Management.Automation.PSCustomObject\r\n"id","text"\r\n"1","good"\r\n')


def test_tab_separated_values_with_quotes_around_line_ends_say_what_reads_them() -> None:
    data = b'id\ttext\tscore\n1\t"good\nfilm"\t2\n'
    first, second = read("csv", data, delimiter="\t", quote=False)
    assert "?quote=double" in str(first.error)
    assert "?quote=double" in str(second.error)
    [record] = read("csv", data, delimiter="\t")
    assert record.text == "good\nfilm"
