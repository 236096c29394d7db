"""`POST /predict/batch`: what it answers. How it streams is in `test_batch_stream`."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from service.errors import DeadlineError
from service.inference.predictor import Predictor
from service.scheduler import Scheduler
from service.server.application import create_app
from service.settings import Settings
from tests.service.api.test_predict import assert_problem
from tests.service.conftest import MODELS_DIR, BundleFolder, write_small_bundle

NDJSON, CSV, PLAIN = "application/x-ndjson", "text/csv", "text/plain"


def post(client: TestClient, body: bytes | str, media_type: str = NDJSON, query: str = "", **headers: str) -> Response:
    response: Response = client.post(
        f"/predict/batch{query}", content=body, headers={"content-type": media_type, "accept-encoding": "", **headers}
    )
    return response


def lines(response: Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == NDJSON
    return [json.loads(line) for line in response.text.splitlines()]


def test_each_line_gets_the_prediction_of_predict_in_its_place(client: TestClient) -> None:
    texts = [f"{'good ' * (i % 3)}{'bad ' * (i % 5)}film {i}" for i in range(100)]
    body = "".join(json.dumps({"id": i, "text": text} if i % 2 else text) + "\n" for i, text in enumerate(texts))
    *answers, summary = lines(post(client, body))
    assert summary == {"summary": {"lines": 100, "scored": 100, "errors": 0}}
    for i, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        prediction = client.post("/predict", json={"text": text}).json()
        del prediction["model"]
        assert answer == {**({"id": i, "text": text} if i % 2 else {"line": i + 1}), **prediction}


def test_csv_gets_its_columns_and_keeps_its_rows(client: TestClient) -> None:
    response = post(client, 'id,text\r\n1,"good, and\nso on"\r\n2,bad\r\n', CSV)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(response.text, newline=""))
    assert header == ["id", "text", "label", "probability", "error"]
    assert [[*row[:3], round(float(row[3]), 5), row[4]] for row in rows] == [
        ["1", "good, and\nso on", "positive", 0.8808, ""],
        ["2", "bad", "negative", 0.1192, ""],
    ]


@pytest.mark.parametrize(
    ("media_type", "query"), [(CSV, "?delimiter=tab"), (CSV, "?delimiter=%09"), ("text/tab-separated-values", "")]
)
def test_tabs_separate_too(client: TestClient, media_type: str, query: str) -> None:
    row = post(client, "id\ttext\n1\tgood\n", media_type, query).text.splitlines()[1]
    assert row.startswith("1\tgood\tpositive\t0.8807")


def test_a_column_can_be_named_and_a_prefix_given(client: TestClient) -> None:
    response = post(client, "label;review\n1;good\n", CSV, "?column=review&delimiter=;&prefix=model_")
    header, row = response.text.splitlines()
    assert header == "label;review;model_label;model_probability;model_error"
    assert row.startswith("1;good;positive;0.8807")


@pytest.mark.parametrize(
    ("media_type", "body", "expected"),
    [
        (PLAIN, "good\n\nbad", '{"line":1000,"error"'),
        (NDJSON, '"good"\n{}\n', '{"line":1000,"error"'),
        (CSV, 'text\n"\n"\n', ",line 1000: The text is blank"),
    ],
)
def test_a_piece_of_a_larger_file_keeps_its_line_numbers(
    client: TestClient, media_type: str, body: str, expected: str
) -> None:
    assert expected in post(client, body, media_type, "?line=999").text


@pytest.mark.parametrize("line", ["0", "-1", "x", "1.5", "", "9" * 5000, "\u0661"])
def test_a_line_number_that_is_none_is_refused(client: TestClient, line: str) -> None:
    assert "line is" in assert_problem(post(client, "good", PLAIN, f"?line={line}"), 422, "invalid-request")["detail"]


def test_plain_lines_are_answered_by_number(client: TestClient) -> None:
    answers = lines(post(client, "good\n\nbad", PLAIN))
    assert [(a.get("line"), a.get("label"), "error" in a) for a in answers] == [
        (1, "positive", False),
        (2, None, True),
        (3, "negative", False),
        (None, None, False),
    ]


def test_bad_lines_say_what_is_wrong_and_stop_nothing(client: TestClient) -> None:
    answers = lines(post(client, '{"text": ""}\n{\n"good"\n{"text": "' + "x" * 61 + '"}\n'))
    assert answers[0] == {
        "line": 1,
        "error": {
            "type": "/problems/blank-text",
            "title": "A text is blank",
            "status": 422,
            "detail": "The text is blank; there is nothing to judge.",
        },
    }
    assert [answer["error"]["type"].split("/")[-1] for answer in answers if "error" in answer] == [
        "blank-text",
        "broken-json",
        "text-too-long",
    ]
    assert answers[-1] == {"summary": {"lines": 4, "scored": 1, "errors": 3}}


@pytest.mark.parametrize(
    ("body", "media_type", "query", "status", "slug"),
    [
        ("", NDJSON, "", 400, "no-body"),
        ("good", "application/x-www-form-urlencoded", "", 415, "media-type"),
        ("good", "", "", 415, "media-type"),
        ("good", "text/plain; charset=klingon", "", 415, "media-type"),
        ('{"text": "good"}', "application/json", "", 415, "media-type"),
        ("id,review\n1,good\n", CSV, "", 422, "invalid-request"),
        ("text,label\ngood,1\n", CSV, "", 422, "invalid-request"),
        ("text\ngood\n", CSV, "?delimiter=ab", 422, "invalid-request"),
        ("text\ngood\n", CSV, "?prefix=%00", 422, "invalid-request"),
        ("text\ngood\n", CSV, "?prefix=" + "x" * 65, 422, "invalid-request"),
        ("text\n".encode("utf-16-le"), CSV, "", 422, "invalid-request"),
        ("good\n", PLAIN, "?version=0", 422, "invalid-request"),
        ("good\n", PLAIN, "?version=9", 404, "model-not-found"),
        ("good\n", PLAIN, "?model=other", 404, "model-not-found"),
    ],
)
def test_what_is_wrong_with_the_whole_file_is_a_problem(
    client: TestClient, body: str | bytes, media_type: str, query: str, status: int, slug: str
) -> None:
    assert_problem(post(client, body, media_type, query), status, slug)


def test_gzip_goes_in_and_comes_out(client: TestClient) -> None:
    packed = gzip.compress(b"good\n") + gzip.compress(b"bad\n")
    response = post(client, packed, PLAIN, **{"content-encoding": "gzip", "accept-encoding": "gzip, br"})
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["vary"] == "Accept-Encoding"
    assert [answer.get("label") for answer in lines(response)] == ["positive", "negative", None]


@pytest.mark.parametrize(
    ("accepted", "compressed"), [("gzip;q=0", False), ("br", False), ("*", True), ("br;q=1, GZIP ; q=0.2", True)]
)
def test_the_answer_is_compressed_for_who_accepts_it(client: TestClient, accepted: str, compressed: bool) -> None:
    headers = post(client, "good\n", PLAIN, **{"accept-encoding": accepted}).headers
    assert ("content-encoding" in headers) == compressed


def test_an_unknown_encoding_is_refused(client: TestClient) -> None:
    assert_problem(post(client, "good\n", PLAIN, **{"content-encoding": "br"}), 415, "content-encoding")


def test_gzip_that_is_none_is_refused(client: TestClient) -> None:
    assert_problem(post(client, "good\n", PLAIN, **{"content-encoding": "gzip"}), 400, "broken-gzip")


def test_gzip_that_ends_too_early_is_told_where(client: TestClient) -> None:
    cut = gzip.compress(b"good\nbad\n" + b"film\n" * 10)[:-4]
    *answers, last, summary = lines(post(client, cut, PLAIN, **{"content-encoding": "gzip"}))
    assert len(answers) == 12
    assert (last["line"], last["error"]["type"]) == (13, "/problems/broken-gzip")
    assert summary == {"summary": {"lines": 13, "scored": 12, "errors": 1, "complete": False}}


@pytest.fixture
def two_versions(small: BundleFolder, small_settings: Settings) -> Iterator[TestClient]:
    write_small_bundle(small.path.parents[1], version=2, bias=-3.0)
    with TestClient(create_app(small_settings)) as client:
        yield client


def test_model_and_version_can_be_asked_for(two_versions: TestClient) -> None:
    labels = [
        lines(post(two_versions, "good", PLAIN, query))[0]["label"]
        for query in ("", "?version=1", "?version=2", "?model=small&version=1")
    ]
    assert labels == ["negative", "positive", "negative", "positive"]


def test_a_bug_is_an_error_of_its_lines_that_gives_nothing_away(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(Predictor, "compute", broken)
    response = post(client, "good\n\nbad\n", PLAIN)
    assert [a["error"]["type"].split("/")[-1] for a in lines(response)[:-1]] == ["internal", "blank-text", "internal"]
    assert "secret" not in response.text


def test_what_the_scheduler_refuses_is_an_error_of_its_lines(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(*_: object, **__: object) -> None:
        raise DeadlineError("There was no answer within 30 seconds.")

    monkeypatch.setattr(Scheduler, "predict", late)
    first, summary = lines(post(client, "good\n", PLAIN))
    assert first["error"]["type"] == "/problems/deadline"
    assert summary == {"summary": {"lines": 1, "scored": 0, "errors": 1}}


def test_thousands_of_real_reviews_get_what_predict_says(imdb_data_dir: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    texts = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text"])["text"].to_pylist()[::10]
    assert len(texts) == 5_000
    file = io.StringIO()
    csv.writer(file).writerows([["text"], *([text] for text in texts)])
    with TestClient(create_app(Settings(models_dir=MODELS_DIR))) as client:
        _, *rows = csv.reader(io.StringIO(post(client, file.getvalue(), CSV).text, newline=""))
        assert [text for text, *_ in rows] == texts
        for start in range(0, len(texts), 2_500):
            predictions = client.post("/predict", json={"texts": texts[start : start + 1_000]}).json()["predictions"]
            assert [(label, float(probability), error) for _, label, probability, error in rows[start:][:1_000]] == [
                (prediction["label"], prediction["probability"], "") for prediction in predictions
            ]
        for row in range(0, len(texts), 100):
            prediction = client.post("/predict", json={"text": texts[row]}).json()
            assert rows[row][1:3] == [prediction["label"], str(prediction["probability"])]


@pytest.mark.parametrize(
    ("media_type", "head"), [(NDJSON, ""), (PLAIN, ""), (CSV, "text\n")], ids=["ndjson", "text", "csv"]
)
def test_a_part_of_a_file_is_numbered_from_where_it_begins(client: TestClient, media_type: str, head: str) -> None:
    records = ['"good"', '"bad"', '" "', '"film"', "too,many", '""'] * 3
    whole = post(client, head + "".join(f"{record}\n" for record in records), media_type)
    first = post(client, head + "".join(f"{record}\n" for record in records[:7]), media_type)
    rest = post(client, head + "".join(f"{record}\n" for record in records[7:]), media_type, "?line=8")

    def answers(response: Response) -> list[str]:
        assert response.status_code == 200
        return [line for line in response.text.splitlines() if "summary" not in line]

    assert answers(whole) == answers(first) + answers(rest)[bool(head) :]


# Files as programs and people send them.


FIELD = '--limit\r\nContent-Disposition: form-data; name="column"\r\n\r\nx\r\n'


def form(name: str, content: bytes, media_type: str = "", extra: str = "") -> dict[str, Any]:
    """A request's body and headers, as curl -F sends a file."""
    kind = f"Content-Type: {media_type}\r\n" if media_type else ""
    head = f'--limit\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n{kind}\r\n'
    body = head.encode() + content + f"\r\n{extra}--limit--\r\n".encode()
    return {"content": body, "headers": {"content-type": "multipart/form-data; boundary=limit"}}


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("reviews.csv", b"text\ngood\nbad\n", "text/csv"),
        ("reviews.csv", b"text\ngood\nbad\n", "application/vnd.ms-excel"),
        ("reviews.tsv", b'text\tid\n"good\t1\nbad\t2\n', "application/octet-stream"),
        ("reviews", b'"good"\n"bad"\n', "application/x-ndjson"),
        ("reviews.json", b'["good", "bad"]', ""),
        ("reviews.csv", "text\r\ngood\r\nbad\r\n".encode("utf-16"), "text/csv"),
    ],
)
def test_a_file_in_a_form_is_read_as_what_it_is(client: TestClient, name: str, content: bytes, media_type: str) -> None:
    response: Response = client.post("/predict/batch", **form(name, content, media_type))
    assert response.status_code == 200, response.text
    assert json.loads(response.headers["x-summary"]) == {"lines": 2, "scored": 2, "errors": 0}
    assert int(response.headers["content-length"]) == len(response.content) or "content-encoding" in response.headers


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        (form("reviews.xyz", b"good"), 415, "-F 'file=@FILE;type=text/csv'"),
        (form("a.csv", b"text\ngood\n", extra=FIELD), 422, "?column=review"),
        (
            form("a.csv", b"text\ngood\n", extra=FIELD.replace('"column"', '"b"; filename="b.csv"')),
            422,
            "several files",
        ),
        ({"content": b"text\ngood\n", "headers": {"content-type": "multipart/form-data; boundary=limit"}}, 422, "form"),
        ({"content": b"text\ngood\n", "headers": {"content-type": "multipart/form-data"}}, 422, "boundary"),
    ],
    ids=["type", "field", "files", "no form", "no boundary"],
)
def test_a_form_that_cannot_be_read_says_what_to_send(
    client: TestClient, request_: dict[str, Any], status: int, words: str
) -> None:
    response = client.post("/predict/batch", **request_)
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]


@pytest.mark.parametrize("query", ["", "?encoding=cp949", "?encoding=euc-kr"])
def test_a_charset_and_the_encoding_of_the_query_are_honoured(client: TestClient, query: str) -> None:
    body = "id,text\n1,good 좋다\n".encode("cp949")
    response = post(client, body, f"text/csv{'' if query else '; charset=cp949'}", query)
    assert response.headers["content-type"] == "text/csv; charset=cp949"
    assert response.text.splitlines()[1].startswith("1,good 좋다,positive,0.88")
    assert_problem(post(client, body, CSV), 422, "invalid-request")


def test_json_that_is_an_array_of_records_is_scored(client: TestClient) -> None:
    body = '[{"id": 1, "text": "good film"}, {"id": 2, "text": "bad film"}]'
    for media_type in ("application/json", NDJSON, "application/jsonlines"):
        first, second, summary = lines(post(client, body, media_type))
        assert (first["id"], first["label"], second["label"]) == (1, "positive", "negative")
        assert summary["summary"]["scored"] == 2


def test_what_curl_sends_by_default_is_refused_with_what_to_type(client: TestClient) -> None:
    problem = assert_problem(post(client, "good", "application/x-www-form-urlencoded"), 415, "media-type")
    assert "-T FILE" in problem["detail"]


def test_a_file_of_one_line_says_that_line_ends_may_be_lost(client: TestClient) -> None:
    *_, summary = lines(post(client, "Lovely acting.The worst evening.", PLAIN))
    assert "curl -d @FILE removed the line ends" in summary["summary"]["notes"][0]
    *_, summary = lines(post(client, "Lovely acting.\nThe worst evening.", PLAIN))
    assert "notes" not in summary["summary"]


def test_texts_that_the_model_does_not_know_are_told(client: TestClient) -> None:
    *_, summary = lines(post(client, "아주 재미있다\n또 보고 싶다\n", PLAIN))
    [note] = summary["summary"]["notes"]
    assert "knows 0 of 5 words" in note
    assert "?model=auto" in note


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?wait=true", {}),
        ("", {"prefer": "respond-async, wait=10"}),
        ("", {"via": "1.1 proxy"}),
        ("", {"x-forwarded-for": "10.0.0.1"}),
        ("", {"forwarded": "for=10.0.0.1"}),
        ("", {"connection": "close"}),
    ],
)
def test_a_whole_answer_has_the_summary_in_a_header(client: TestClient, query: str, headers: dict[str, str]) -> None:
    response = post(client, "text\ngood\n\0\n", CSV, query, **headers)
    assert json.loads(response.headers["x-summary"]) == {"lines": 2, "scored": 1, "errors": 1}
    assert response.headers["content-length"] == str(len(response.content))
    assert "x-summary" not in post(client, "text\ngood\n", CSV, "?wait=false", **headers).headers


def test_a_whole_answer_to_damaged_gzip_is_a_problem(client: TestClient) -> None:
    cut = gzip.compress(b"good\nbad\n" + b"film\n" * 10)[:-4]
    assert_problem(post(client, cut, PLAIN, "?wait=true", **{"content-encoding": "gzip"}), 400, "broken-gzip")


@pytest.mark.parametrize("query", ["?wait=yes", "?quote=single", "?header=no", "?fields=lable", "?encoding=klingon"])
def test_an_option_with_another_value_is_refused(client: TestClient, query: str) -> None:
    assert_problem(post(client, "text\ngood\n", CSV, query), 422, "invalid-request")
