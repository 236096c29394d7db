"""Encodings: named, marked, guessed for the refusal; and files that are not text."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequestError
from service.files.encoding import encode, encoding_named
from tests.service.files.reading import answer_to, answered, chunk_sizes, read

KOREAN = "id,text\n1,연기가 훌륭하고 이야기도 따뜻했다\n2,돈이 아까운 영화였다\n"
KOREAN_TEXTS = ["연기가 훌륭하고 이야기도 따뜻했다", "돈이 아까운 영화였다"]
WESTERN = "id,text\n1,It’s naïve but “good”\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EUC-KR", "cp949"),
        ("ks_c_5601-1987", "cp949"),
        ("windows-949", "cp949"),
        ("Windows-1252", "cp1252"),
        ("latin-1", "latin-1"),
        ("UTF-16", "utf-16-le"),
        ("UTF_32_BE", "utf-32-be"),
        ("utf8", "utf-8"),
        ("us-ascii", "utf-8"),
    ],
)
def test_an_encoding_has_many_names(name: str, expected: str) -> None:
    assert encoding_named(name) == expected


@pytest.mark.parametrize("name", ["klingon", "rot13", "idna", "utf-7", "unicode_escape", "x" * 5_000, "\0"])
def test_what_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="not known here"):
        encoding_named(name)


@given(st.sampled_from(["cp949", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]), chunk_sizes)
def test_a_file_in_a_named_encoding_is_read_however_it_is_cut(encoding: str, sizes: list[int]) -> None:
    records = read("csv", KOREAN.encode(encoding), sizes, encoding=encoding)
    assert [record.text for record in records] == KOREAN_TEXTS


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
@pytest.mark.parametrize("named", [None, "cp949"])
def test_a_byte_order_mark_is_obeyed_and_comes_back(mark: bytes, encoding: str, named: str | None) -> None:
    answer = answer_to("csv", mark + KOREAN.encode(encoding), encoding=named)
    assert answer.startswith(mark)
    assert answer[len(mark) :].decode(encoding).splitlines()[1] == f"1,{KOREAN_TEXTS[0]},positive,0.75,"


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "utf-16-le", "utf-32-be"])
def test_csv_is_answered_in_the_encoding_of_the_file(encoding: str) -> None:
    text = WESTERN if encoding == "cp1252" else KOREAN
    answer = answer_to("csv", text.encode(encoding), encoding=encoding).decode(encoding)
    assert [line.rsplit(",", 3)[0] for line in answer.splitlines()] == text.splitlines()


@pytest.mark.parametrize("encoding", ["cp949", "utf-16-le"])
def test_json_is_answered_in_utf8(encoding: str) -> None:
    first, _ = answered("ndjson", '{"text":"좋다"}\n'.encode(encoding), encoding=encoding).splitlines()
    assert first.startswith('{"text":"좋다","label"')


@pytest.mark.parametrize("name", ["csv", "text"])
@pytest.mark.parametrize(
    ("data", "line", "probably"),
    [
        (KOREAN.encode("cp949"), 2, "cp949"),
        ("번호,text\n1,good\n".encode("euc_kr"), 1, "cp949"),
        (b"id,text\n" + b"1,good\n" * 500 + "2,좋다".encode("cp949"), 502, "cp949"),
        (WESTERN.encode("cp1252"), 2, "cp1252"),
        ("id,text\n1,café\n".encode("latin-1"), 2, "cp1252"),
        *((KOREAN.encode(wide), 1, wide) for wide in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")),
        ("번호,내용\n1,연기가\n".encode("utf-16-le"), 1, "utf-16-le"),
    ],
)
def test_a_file_that_is_not_utf8_is_refused_with_what_it_probably_is(
    name: str, data: bytes, line: int, probably: str
) -> None:
    for sizes in ([], [1] * 40, [70, 3]):
        with pytest.raises(InvalidRequestError) as refusal:
            read(name, data, sizes)
        assert f"Line {line} of the file is not UTF-8; the file is probably in {probably}." in str(refusal.value)
        assert f"?encoding={probably}" in str(refusal.value)
    with pytest.raises(InvalidRequestError, match=f"--encoding {probably}, or save"):
        read(name, data, flags=True)


def test_a_file_in_an_unknown_encoding_is_refused_with_the_option_to_name_it() -> None:
    with pytest.raises(InvalidRequestError, match=r"in another encoding. Name it with \?encoding=NAME"):
        read("text", "Отличный фильм\n".encode("cp1251"))
    assert read("text", "Отличный фильм\n".encode("cp1251"), encoding="cp1251")[0].text == "Отличный фильм"


def test_a_single_broken_row_is_an_error_of_its_own_that_keeps_its_bytes() -> None:
    answer = answer_to("csv", b"id,text\n1,good\n2,\xff\n3,bad\n")
    assert answer.splitlines() == [
        b"id,text,label,probability,error",
        b"1,good,positive,0.75,",
        b"2,\xff,,,line 3: Byte 3 of the line is not UTF-8.",
        b"3,bad,positive,0.75,",
    ]


def test_a_row_that_cannot_be_decoded_keeps_its_bytes_in_any_encoding() -> None:
    for encoding in ("cp949", "utf-16-le"):
        broken = b"\xff" if encoding == "cp949" else b"\x00\xd8"  # half a surrogate pair
        data = "text\n좋다".encode(encoding) + broken + "\n나쁘다\n".encode(encoding)
        lines = answer_to("csv", data, encoding=encoding)
        row = (
            "좋다".encode(encoding)
            + broken
            + f",,,line 2: The line cannot be decoded as {encoding}.\n".encode(encoding)
        )
        assert row in lines
        assert "나쁘다,positive".encode(encoding) in lines


@given(st.binary(max_size=60), st.sampled_from(["cp949", "cp1252", "utf-16-le", "utf-32-le", "gb18030"]), chunk_sizes)
def test_any_bytes_in_any_encoding_are_records_or_errors(data: bytes, encoding: str, sizes: list[int]) -> None:
    head = "text\n".encode(encoding)
    try:
        whole = answer_to("csv", head + data, encoding=encoding, max_line_bytes=40)
    except InvalidRequestError:
        return  # a byte order mark or a signature among the bytes
    assert answer_to("csv", head + data, sizes, encoding, max_line_bytes=40) == whole


def test_bytes_that_were_kept_are_encoded_as_they_were() -> None:
    assert encode("é\udcffé".encode("utf-8", "surrogatepass"), "cp1252") == b"\xe9\xff\xe9"


def test_lines_that_end_with_cr_alone_are_read() -> None:
    assert [r.text for r in read("csv", b"id,text\r1,Good film\r2,Awful film")] == ["Good film", "Awful film"]
    assert [r.text for r in read("text", b"Good film\rAwful film\r")] == ["Good film", "Awful film"]
    assert len(read("text", b"Good film\r" * 20_000)) == 20_000  # more than the sample


def test_a_cr_in_a_file_with_other_line_ends_ends_no_line() -> None:
    assert [r.text for r in read("text", b"50 %\r100 %\nGood film\n")] == ["50 %\r100 %", "Good film"]


@pytest.mark.parametrize("name", ["csv", "ndjson", "json", "text"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
        (b"PAR1\x15\x04\x15\x20", "Parquet"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x28\xb5\x2f\xfd\x04\x00\x59\x00", "Zstandard"),
    ],
)
def test_a_file_that_is_no_text_is_named(name: str, data: bytes, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        read(name, data + b"\0" * 100)
