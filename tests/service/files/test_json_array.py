"""JSON arrays, and JSON files of other kinds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidRequestError, LineTooLongError, MediaTypeError
from tests.service.files.reading import MEMBERS, answered, chunk_sizes, read

value = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('ab",\\[]{}\n é'), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab,]"), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.text(max_size=5).map(lambda t: f"x{t}") | value, max_size=6),
    st.sampled_from([None, 1, "\t"]),
    chunk_sizes,
)
def test_an_array_is_cut_into_its_elements_however_it_is_sent(values: list[Any], indent: Any, sizes: list[int]) -> None:
    objects = [{"id": number, "text": "good", "more": element} for number, element in enumerate(values)]
    data = json.dumps(objects, indent=indent).encode()
    *lines, summary = answered("json", data, sizes).splitlines()
    assert [json.loads(line)["more"] for line in lines] == values
    assert json.loads(summary)["summary"]["scored"] == len(values)


def test_an_array_in_an_ndjson_file_is_read_as_its_elements() -> None:
    sent = '\ufeff[{"id": 1, "text": "Good film"},\n {"id": 2,\n  "text": "Awful, \\"film\\" }]"}, "ok"]\n'
    assert answered("ndjson", sent.encode()).splitlines()[:3] == [
        f'{{"id": 1, "text": "Good film",{MEMBERS}}}',
        f'{{"id": 2,  "text": "Awful, \\"film\\" }}]",{MEMBERS}}}',
        f'{{"line":3,{MEMBERS}}}',
    ]


def test_a_bad_element_stops_nothing() -> None:
    records = read("json", b'[{"text": "good"}, {"txt": 1}, 5, , {"text": "bad"}, {"text": 7}]')
    assert [(r.line, r.text, bool(r.error)) for r in records] == [
        (1, "good", False),
        (2, "", True),
        (3, "", True),
        (4, "", True),
        (5, "bad", False),
        (6, "", True),
    ]


def test_a_long_element_is_an_error_in_its_place() -> None:
    records = read("json", b'["good","' + b"x" * 5_000 + b'","bad"]', [1] * 3_000, max_line_bytes=100)
    assert [(r.text, type(r.error)) for r in records] == [
        ("good", type(None)),
        ("", LineTooLongError),
        ("bad", type(None)),
    ]


@pytest.mark.parametrize(
    ("data", "words"), [(b'["good", "bad"', "cut off"), (b'["good"] "bad"', "More follows"), (b"[", "cut off")]
)
def test_an_array_that_is_not_whole_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        read("json", data)


def test_an_empty_array_has_no_records() -> None:
    assert read("json", b" [ ] ") == []


@pytest.mark.parametrize(
    ("orient", "data"),
    [
        ("columns", '{"id":{"0":1,"1":2},"text":{"0":"Good film","1":"Awful film"}}'),
        ("columns", '{"text":{"0":"Good film","1":"Awful film"}}'),
        ("index", '{"0":{"id":1,"text":"Good film"},"1":{"id":2,"text":"Awful film"}}'),
        ("split", '{"columns":["id","text"],"index":[0,1],"data":[[1,"Good film"],[2,"Awful film"]]}'),
        ("table", '{"schema":{"fields":[{"name":"index","type":"integer"}]},"data":[{"index":0,"text":"Good film"}]}'),
        ("values", '[[1,"Good film"],[2,"Awful film"]]'),
    ],
)
@pytest.mark.parametrize("name", ["ndjson", "json"])
@pytest.mark.parametrize("limit", [1_000_000, 30])
def test_every_other_shape_that_pandas_writes_is_named(orient: str, data: str, name: str, limit: int) -> None:
    with pytest.raises(InvalidRequestError, match=f"orient='{orient}'.*lines=True"):
        read(name, data.encode(), max_line_bytes=limit)


@pytest.mark.parametrize("name", ["json", "ndjson"])
def test_indented_objects_are_named_whatever_the_media_type(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="jq -c"):
        read(name, b'{\n  "text": "good"\n}\n{\n  "text": "bad"\n}\n')


def test_indented_objects_are_named() -> None:
    with pytest.raises(InvalidRequestError, match="jq -c"):
        read("ndjson", b'{\n  "text": "Good film"\n}\n{\n  "text": "Awful film"\n}\n')


def test_a_single_object_is_no_array_of_json() -> None:
    with pytest.raises(MediaTypeError, match="POST /predict"):
        read("json", b'{"text": "good"}')
    with pytest.raises(MediaTypeError, match="--format ndjson"):
        read("json", b'{"text": "good"}', flags=True)


def test_the_member_with_the_text_can_be_named_in_either_normal_form() -> None:
    decomposed = "\u1102\u1162\u110b\u116d\u11bc"  # 내용, as macOS writes it
    assert read("ndjson", '{"내용": "좋다"}'.encode(), column=decomposed)[0].text == "좋다"
    assert read("ndjson", f'{{"{decomposed}": "좋다"}}'.encode(), column="내용")[0].text == "좋다"
    [record] = read("ndjson", b'{"review": "good"}')
    assert "it has 'review'. Name the member: ?column=NAME" in str(record.error)


def test_two_values_on_a_line_say_what_removes_line_ends() -> None:
    [record] = read("ndjson", b'{"text": "good"}{"text": "bad"}')
    assert "curl -d @FILE removes line ends" in str(record.error)
