"""`service.client` against a running service."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service import client as client_package
from service.client import (
    AsyncClient,
    Client,
    FileSummary,
    NotFoundError,
    NotReachedError,
    OneOfMany,
    PredictionBody,
    ProblemBody,
    RefusedError,
    Retry,
    UnauthorizedError,
)
from tests.service.client.scripted import in_a_loop
from tests.service.running import ENVIRONMENT, Running

TEXTS = ["A good film.", "bad", "좋다 “good”"]


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


def test_labels_are_told_by_request_or_with_the_text(client: Client, service: Running) -> None:
    client.predict("bad", request_id="mine")
    told = client.feedback("positive", request_id="mine")
    assert (told.correct, told.prediction.label, told.replaced) == (False, "negative", False)
    assert client.feedback("negative", request_id="mine", position=0).replaced

    async def tell(aio: AsyncClient) -> list[bool]:
        return [
            (await aio.feedback("negative", text="good", version=2)).correct,
            (await aio.feedback("positive", request_id="mine")).replaced,
        ]

    assert in_a_loop(service.address, tell) == [True, True]
    with pytest.raises(NotFoundError, match="or send the text"):
        client.feedback("positive", request_id="nobody")
    with pytest.raises(RefusedError, match="negative and positive"):
        client.feedback("good", request_id="mine")
    for wrong in ({}, {"request_id": "mine", "text": "good"}):
        with pytest.raises(TypeError, match="either request_id or text"):
            client.feedback("positive", **wrong)  # type: ignore[arg-type]


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


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("good", r"texts is a single str; put it in a list"),
        (b"good", r"texts is a single bytes; put it in a list"),
        (["good", None], r"texts\[1\] is None \(NoneType\); a text is a str"),
        (["good", "bad", float("nan")], r"texts\[2\] is nan \(float\)"),
        (["good"] * 2_500 + [7], r"texts\[2500\] is 7 \(int\)"),
    ],
)
def test_what_is_no_list_of_texts_is_named_with_its_place(
    client: Client, service: Running, texts: Any, message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        client.predict_many(texts)
    with pytest.raises(TypeError, match=message):
        in_a_loop(service.address, lambda aio: aio.predict_many(texts))
    with pytest.raises(TypeError, match=message):
        list(client.score_lines(texts))


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
