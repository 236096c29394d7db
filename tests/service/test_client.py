"""`service.client`, against a running service, and against answers that a service seldom gives."""

import asyncio
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from service import client as client_package
from service.__main__ import cli
from service.client import (
    AsyncClient,
    Client,
    ClientError,
    FileSummary,
    NotFoundError,
    NotReachedError,
    OneOfMany,
    PredictionBody,
    ProblemBody,
    RefusedError,
    Retry,
    ServerError,
    UnauthorizedError,
    UnavailableError,
    pieces,
)
from tests.service.conftest import write_korean_bundle, write_small_bundle
from tests.service.files.test_score import file_of
from tests.service.running import ENVIRONMENT, Running, running

TEXTS = ["A good film.", "bad", "좋다 “good”"]
AT_ONCE = Retry(first_seconds=0)


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client") / "models"
    write_small_bundle(folder)
    write_small_bundle(folder, version=2, bias=-3.0)
    write_korean_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def service(models_dir: Path) -> Iterator[Running]:
    flags = ["--models-dir", str(models_dir), "--model", "small", "--model-version", "1", "--max-text-chars", "60"]
    with running(*flags, "--workers", "2", SENTIMENT_API_KEYS="secret") as service:
        yield service


@pytest.fixture
def client(service: Running) -> Iterator[Client]:
    with Client(service.address, api_key="secret") as client:
        yield client


def in_a_loop(address: str, ask: Callable[[AsyncClient], Any]) -> Any:
    """What the asynchronous client says."""

    async def main() -> Any:
        async with AsyncClient(address, api_key="secret") as client:
            return await ask(client)

    return asyncio.run(main())


def test_it_says_what_the_routes_say(client: Client, service: Running) -> None:
    headers = {"Authorization": "Bearer secret"}
    with httpx.Client(base_url=service.address, headers=headers) as plain:
        prediction = plain.post("/predict", json={"text": TEXTS[0]}).json()
        explanation = plain.post("/explain", json={"text": TEXTS[0], "max_phrases": 1}).json()
        models = plain.get("/models").json()["models"]
    assert client.predict(TEXTS[0]).model_dump() == prediction
    assert client.explain(TEXTS[0], max_phrases=1).model_dump() == explanation
    assert [model.model_dump(mode="json") for model in client.models()] == models
    assert (client.health().status, client.health().model.name) == ("ready", "small")


def test_the_asynchronous_one_says_the_same(client: Client, service: Running) -> None:
    async def ask(aio: AsyncClient) -> list[Any]:
        lines = [line async for line in aio.score_lines([*TEXTS, " "])]
        return [
            await aio.predict(TEXTS[0], version=2),
            await aio.predict_many(TEXTS),
            await aio.explain(TEXTS[0]),
            await aio.health(),
            await aio.models(),
            lines,
        ]

    assert in_a_loop(service.address, ask) == [
        client.predict(TEXTS[0], version=2),
        client.predict_many(TEXTS),
        client.explain(TEXTS[0]),
        client.health(),
        client.models(),
        list(client.score_lines([*TEXTS, " "])),
    ]


def test_a_version_can_be_asked_for(client: Client) -> None:
    assert (client.predict("good").label, client.predict("good", version=2).label) == ("positive", "negative")
    assert client.explain("good", version=2).baseline == pytest.approx(-3)
    assert [p.label for p in client.predict_many(["good"], version=2)] == ["negative"]
    [line] = client.score_lines(["good"], version=2)
    assert isinstance(line, PredictionBody)
    assert line.label == "negative"


def test_a_model_can_be_asked_for_or_left_to_the_script(client: Client, service: Running, tmp_path: Path) -> None:
    assert client.predict("좋다", model="small-korean").model.name == "small-korean"
    assert client.predict("좋다").model.name == "small"
    assert client.explain("좋다", model="auto").model.name == "small-korean"
    named = [answer.model and answer.model.name for answer in client.predict_many(["good", "좋다"], model="auto")]
    assert named == ["small", "small-korean"]
    lines = list(client.score_lines(["good", "좋다"], model="auto"))
    assert [isinstance(line, OneOfMany) and line.model and line.model.name for line in lines] == named
    (tmp_path / "in.csv").write_text('text\ngood\n좋다\n""\n')
    assert client.score_file(tmp_path / "in.csv", tmp_path / "out.csv", model="auto") == FileSummary(2, 1)
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[0] == "text,label,probability,model,error"
    assert [row.split(",")[3] for row in rows[1:]] == ["small/1", "small-korean/1", ""]
    with pytest.raises(NotFoundError, match="there is small, small-korean"):
        client.predict("good", model="other")

    async def ask(aio: AsyncClient) -> list[Any]:
        answer = await aio.predict("좋다", model="small-korean", version=1)
        return [answer.model.name, *(a.model and a.model.name for a in await aio.predict_many(["좋다"], model="auto"))]

    assert in_a_loop(service.address, ask) == ["small-korean", "small-korean"]


def test_more_texts_than_a_request_takes_come_back_in_order(client: Client) -> None:
    texts = ["good" if i % 3 else "bad" for i in range(2_300)]
    labels = [prediction.label for prediction in client.predict_many(iter(texts))]
    assert labels == ["positive" if text == "good" else "negative" for text in texts]
    assert client.predict_many([]) == []


def test_a_bad_text_among_many_is_named_by_its_place_among_all(client: Client) -> None:
    with pytest.raises(RefusedError) as caught:
        client.predict_many(["good"] * 1_203 + [" "] + ["good"] * 10)
    assert (caught.value.type, caught.value.pointer) == ("/problems/blank-text", "/texts/1203")


def test_lines_are_answered_in_order_and_a_bad_one_in_its_place(client: Client) -> None:
    texts = ["good\nand bad" if i % 2 else "bad" for i in range(1_200)]
    texts[3], texts[700] = " ", "x" * 61
    answers = list(client.score_lines(texts))
    problems = {i: answer.type for i, answer in enumerate(answers) if isinstance(answer, ProblemBody)}
    assert problems == {3: "/problems/blank-text", 700: "/problems/text-too-long"}
    labels = [answer.label for answer in answers if isinstance(answer, PredictionBody)]
    assert labels == ["positive" if i % 2 else "negative" for i in range(1_200) if i not in problems]


def test_lines_are_read_as_their_answers_are_taken(client: Client) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "good"

    answers = client.score_lines(endless())
    for _ in range(5_000):
        next(answers)
    assert 5_000 <= read <= 5_000 + 5 * 500
    answers.close()  # type: ignore[attr-defined]


def rounded(data: bytes) -> bytes:
    """Probabilities without the last digits, which depend on what is computed together."""
    return re.sub(rb"0\.\d+", lambda number: b"%.3f" % float(number[0]), data)


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "txt"])
@pytest.mark.parametrize("records", [3, 500])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_file_in_pieces_is_scored_as_in_one_go(
    service: Running,
    client: Client,
    models_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    records: int,
    asynchronous: bool,
) -> None:
    source, target, expected = (tmp_path / f"{name}.{suffix}" for name in ("source", "target", "expected"))
    source.write_bytes(file_of(suffix, rows=600 if records < 10 else 2_000))
    flags = ["--models-dir", str(models_dir), "--model", "small", "--model-version", "1", "--max-text-chars", "60"]
    result = CliRunner().invoke(cli, ["score", str(source), "--output", str(expected), *flags])
    monkeypatch.setattr(pieces, "PIECE_RECORDS", records)
    if asynchronous:
        summary = in_a_loop(service.address, lambda aio: aio.score_file(source, target))
    else:
        summary = client.score_file(source, target)
    assert rounded(target.read_bytes()) == rounded(expected.read_bytes())
    assert summary.errors > 20
    assert f"{summary.scored:,} scored, {summary.errors:,} errors" in result.stderr


def test_compressed_files_and_the_options_of_csv(client: Client, tmp_path: Path) -> None:
    source, target = tmp_path / "reviews.csv.gz", tmp_path / "scored.csv.gz"
    source.write_bytes(gzip.compress(b'review;label\n"good; ""so"" good\n";x\nbad;y'))
    summary = client.score_file(source, target, column="review", delimiter=";", prefix="model_")
    assert summary == FileSummary(scored=2, errors=0)
    header, *rows = gzip.decompress(target.read_bytes()).decode().split("\n", 3)
    assert header == "review;label;model_label;model_probability;model_error"
    assert rows[0] == '"good; ""so"" good'
    assert rows[1].startswith('";x;positive;0.98')
    tabbed = tmp_path / "reviews.tsv"
    tabbed.write_bytes(b"id\ttext\n1\tgood, bad")
    assert client.score_file(tabbed, tmp_path / "out.tsv").scored == 1


@pytest.mark.parametrize(
    ("name", "content", "slug"),
    [
        ("a.csv", b"id,review\n1,good\n", "invalid-request"),
        ("a.csv", b"", "invalid-request"),
        ("a.txt", b"", "no-body"),
        ("a.txt", b"\xff\xfeg\0", "invalid-request"),
    ],
)
def test_a_file_that_is_none_is_refused_and_the_target_stays(
    client: Client, tmp_path: Path, name: str, content: bytes, slug: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "target").write_bytes(b"precious")
    with pytest.raises(RefusedError) as caught:
        client.score_file(tmp_path / name, tmp_path / "target")
    assert caught.value.type == f"/problems/{slug}"
    assert (tmp_path / "target").read_bytes() == b"precious"


def test_a_header_alone_and_blank_lines_alone_are_files_too(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\n\nid,text")
    (tmp_path / "a.txt").write_bytes(b"\n\n")
    assert client.score_file(tmp_path / "a.csv", tmp_path / "b.csv") == FileSummary(0, 0)
    assert (tmp_path / "b.csv").read_bytes() == b"id,text,label,probability,error\n"
    assert client.score_file(tmp_path / "a.txt", tmp_path / "b.txt") == FileSummary(0, 0)


def test_a_file_of_an_unknown_kind_is_told_what_there_is(client: Client, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it should end in \.csv, \.tsv"):
        client.score_file(tmp_path / "a.doc", tmp_path / "b.doc")


def test_without_the_key_it_is_refused(service: Running) -> None:
    with Client(service.address) as client, pytest.raises(UnauthorizedError) as caught:
        client.predict("good")
    assert caught.value.status == 401


def test_a_problem_is_raised_with_all_that_it_says(client: Client) -> None:
    with pytest.raises(RefusedError) as caught:
        client.predict("\n", request_id="mine-7")
    error = caught.value
    assert (error.type, error.status, error.pointer) == ("/problems/blank-text", 422, "/text")
    assert (error.title, error.request_id) == ("A text is blank", "mine-7")
    assert str(error) == "A text is blank: The text is blank; there is nothing to judge."
    with pytest.raises(NotFoundError, match="has no version 9"):
        client.predict("good", version=9)


def test_where_nothing_listens_that_is_said_with_the_address() -> None:
    nowhere = Client("http://127.0.0.1:9", retry=Retry(attempts=2, first_seconds=0))
    with nowhere as client, pytest.raises(NotReachedError, match=r"http://127.0.0.1:9/predict: .*refused") as caught:
        client.predict("good")
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


# From here on the service is a script.

Step = httpx.Response | Exception


class Script:
    """Gives one answer after the other, and keeps what it was sent."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = iter(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client sleeps, which it does not."""
    seconds: list[float] = []

    async def asleep(wait: float) -> None:
        seconds.append(wait)

    monkeypatch.setattr("service.client.sync.time.sleep", seconds.append)
    monkeypatch.setattr("service.client.asynchronous.asyncio.sleep", asleep)
    return seconds


def scripted(steps: Iterable[Step], retry: Retry | None = None) -> tuple[Client, Script]:
    script = Script(steps)
    return Client("http://service", transport=httpx.MockTransport(script), retry=retry), script


def ready() -> httpx.Response:
    return httpx.Response(200, json={"status": "ready", "model": {"name": "small", "version": 1}})


def unavailable(status: int = 503, **headers: str) -> httpx.Response:
    body = {"type": "/problems/overloaded", "title": "Busy", "status": status, "detail": "Later."}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def test_it_asks_again_when_told_and_not_before(waits: list[float]) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    steps: list[Step] = [
        unavailable(retry_after="2"),
        unavailable(429, retry_after=soon),
        httpx.ConnectError("refused"),
        ready(),
    ]
    client, script = scripted(steps, Retry(first_seconds=1, most_seconds=10))
    assert client.health().status == "ready"
    assert 2 <= waits[0] <= 3
    assert 7 < waits[1] <= 11
    assert 0 <= waits[2] <= 4
    assert len({request.headers["x-request-id"] for request in script.requests}) == 1


def test_the_asynchronous_one_asks_again_too(waits: list[float]) -> None:
    script = Script([unavailable(retry_after="2"), httpx.ReadError("gone"), ready()])

    async def main() -> str:
        async with AsyncClient("http://service", transport=httpx.MockTransport(script)) as client:
            return (await client.health()).status

    assert asyncio.run(main()) == "ready"
    assert len(waits) == 2
    assert waits[0] >= 2


def test_waits_are_random_and_grow_up_to_a_bound() -> None:
    retry = Retry(attempts=100, first_seconds=1, most_seconds=8)
    error = httpx.ConnectError("refused")
    waits = [[retry.wait(error, sent) or 0 for _ in range(200)] for sent in range(1, 8)]
    assert [round(max(of_one)) for of_one in waits] == [1, 2, 4, 8, 8, 8, 8]
    assert min(min(of_one) for of_one in waits) < 0.1


def test_it_gives_up_after_so_many_times(waits: list[float]) -> None:
    client, script = scripted([unavailable() for _ in range(9)], Retry(attempts=3))
    with pytest.raises(UnavailableError) as caught:
        client.health()
    assert (len(script.requests), len(waits), caught.value.detail) == (3, 2, "Later.")


def test_it_gives_up_at_once_where_it_would_have_to_wait_too_long(waits: list[float]) -> None:
    client, script = scripted([unavailable(retry_after="3600"), ready()])
    with pytest.raises(UnavailableError):
        client.health()
    assert (len(script.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (unavailable(504), UnavailableError),
        (unavailable(422), RefusedError),
        (unavailable(500), ServerError),
        (httpx.Response(502, text="<html>Bad gateway</html>"), ServerError),
        (httpx.Response(418), RefusedError),
        (httpx.ReadTimeout("slow"), NotReachedError),
        (httpx.UnsupportedProtocol("no http"), NotReachedError),
    ],
)
def test_what_would_be_the_same_again_is_not_tried_again(
    waits: list[float], step: Step, error: type[ClientError]
) -> None:
    client, script = scripted([step])
    with pytest.raises(error) as caught:
        client.health()
    assert (len(script.requests), waits) == (1, [])
    assert caught.value.request_id == script.requests[0].headers["x-request-id"]
    assert "\n" not in str(caught.value)


def test_the_service_is_told_how_long_the_client_waits() -> None:
    script = Script([ready()])
    Client("http://service", timeout_seconds=2.5, transport=httpx.MockTransport(script)).health()
    assert script.requests[0].headers["x-request-timeout"] == "2.500"


LINE = {"line": 1, "label": "positive", "probability": 0.9, "words": 1, "known_words": 1, "truncated": False}


def ndjson(*answers: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, content="".join(json.dumps(answer) + "\n" for answer in answers))


def test_an_answer_that_was_cut_off_is_asked_for_again() -> None:
    stopping = {"line": 1, "error": {"type": "/problems/shutting-down", "title": "", "status": 503, "detail": "Bye."}}
    whole = {"summary": {"lines": 1, "scored": 1, "errors": 0}}
    cut = {"summary": {"lines": 1, "scored": 0, "errors": 1, "complete": False}}
    client, script = scripted([ndjson(stopping, cut), ndjson(LINE), httpx.Response(200), ndjson(LINE, whole)], AT_ONCE)
    [answer] = client.score_lines(["good"])
    assert isinstance(answer, PredictionBody)
    assert len(script.requests) == 4
    client, _ = scripted([ndjson(stopping, cut)] * 5, AT_ONCE)
    with pytest.raises(NotReachedError, match="Bye"):
        list(client.score_lines(["good"]))


def test_a_csv_answer_with_too_few_rows_is_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"text\ngood\nbad\n")
    head = b"text,label,probability,error\n"
    rows = b"good,positive,0.9,\nbad,,,line 3: Oh.\n"
    client, script = scripted([httpx.Response(200, content=head + rows[:19]), httpx.Response(200, content=head + rows)])
    client._retry = AT_ONCE
    assert client.score_file(tmp_path / "a.csv", tmp_path / "b.csv") == FileSummary(scored=1, errors=1)
    assert (tmp_path / "b.csv").read_bytes() == head + rows
    assert len(script.requests) == 2


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=ENVIRONMENT)


def test_importing_it_needs_neither_server_nor_model() -> None:
    script = (
        "import sys; import service.client;"
        "print([m for m in ('fastapi', 'starlette', 'uvicorn', 'onnxruntime', 'numpy') if m in sys.modules])"
    )
    assert run_python(script).stdout == "[]\n"


def test_without_httpx_it_says_what_to_install() -> None:
    done = run_python("import sys; sys.modules['httpx'] = None; import service.client")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: The client needs httpx: pip install 'conv1d-sentiment[client]'"
    )
    assert "During handling" not in done.stderr


def test_all_that_it_offers_is_named() -> None:
    assert all(hasattr(client_package, name) for name in client_package.__all__)
