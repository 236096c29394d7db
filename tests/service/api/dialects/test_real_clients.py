"""Clients of other servers, as their registries have them; `tests/apart` has those that need versions of their own."""

import asyncio
import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError
from tei_client.clients.http_client import HttpClient

from tests.service.conftest import write_small_bundle
from tests.service.running import Running, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    models: Path = tmp_path_factory.mktemp("real-clients") / "models"
    write_small_bundle(models)
    with running("--models-dir", str(models), "--model", "small", "--workers", "1") as service:
        yield service


def test_hugging_face_s_client_classifies_a_text(service: Running) -> None:
    client = InferenceClient(service.address)
    first, second = client.text_classification("bad")
    assert (first.label, second.label) == ("negative", "positive")
    assert first.score + second.score == pytest.approx(1)
    assert len(client.text_classification("bad", top_k=1)) == 1


def test_hugging_face_s_client_raises_its_own_error_with_our_message(service: Running) -> None:
    with pytest.raises(BadRequestError, match="The text is blank; there is nothing to judge"):
        InferenceClient(service.address).text_classification(" ")
    with pytest.raises(HfHubHTTPError, match="There is no model 'other'; there is small"):
        InferenceClient(f"{service.address}/?model=other").text_classification("good")


def test_a_client_of_text_embeddings_inference_classifies_texts(service: Running) -> None:
    client = HttpClient(service.address)
    with client.client:
        assert client.info().server_model_id == "small"
        labels = [result.scores[0].label for result in client.classify(["good", "bad"])]
        [one] = client.classify("good")
    asyncio.run(client.async_client.aclose())
    assert labels == ["positive", "negative"]
    assert one.scores[0].score + one.scores[1].score == pytest.approx(1)


# The lines of TensorFlow Serving's documentation, with this model's name.
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('curl -d \'{"instances": ["good", "bad"]}\' -X POST http://HOST/v1/models/small:predict', '"positive"'),
        ('curl -X POST http://HOST/v1/models/small/versions/1:predict -d \'{"instances": ["bad"]}\'', '"negative"'),
        ("curl http://HOST/v1/models/small", '"AVAILABLE"'),
        ("curl http://HOST/v1/models/small/versions/1", '"AVAILABLE"'),
    ],
)
def test_tensorflow_serving_s_lines_work_as_they_are_documented(service: Running, line: str, expected: str) -> None:
    status, answer = curl(service, line)
    assert (status, expected in answer) == (0, True)


def test_curl_tells_an_error_by_its_exit_code_and_shows_our_message(service: Running) -> None:
    for path, body, message in (
        ("small:predict", '{"instances": [" "]}', "instances[0]: The text is blank"),
        ("small/versions/9:predict", '{"instances": ["good"]}', "version 9"),
    ):
        status, answer = curl(service, f"curl --fail-with-body -d '{body}' -X POST http://HOST/v1/models/{path}")
        assert status == 22  # an HTTP error, in curl's manual
        assert list(json.loads(answer)) == ["error"]
        assert message in answer


def curl(service: Running, line: str) -> tuple[int, str]:
    host, port = service.host_and_port
    command = shlex.split(line.replace("HOST", f"{host}:{port}"))
    done = subprocess.run([*command, "--silent"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
