"""The real tritonclient, as it comes, against a running service."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from numpy.typing import NDArray

from tests.service.conftest import MODELS_DIR
from tests.service.running import running

MODEL = "imdb-conv1d"
TEXTS = ["I loved every minute of it.", "A waste of two hours.", "Schön — “좋다”"]
SHAPES = pytest.mark.parametrize("shape", [[3], [3, 1]])
BINARY = pytest.mark.parametrize("binary", [True, False])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running("--models-dir", str(MODELS_DIR), "--workers", "2", "--repository-control", "true") as service:
        yield service.address


@pytest.fixture
def client(address: str) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(address.removeprefix("http://")) as client:
        yield client


@pytest.fixture(scope="module")
def expected(address: str) -> dict[str, NDArray[Any]]:
    """What `/predict` says of the texts."""
    predictions = httpx.post(f"{address}/predict", json={"texts": TEXTS}).raise_for_status().json()["predictions"]
    return {
        "label": np.array([prediction["label"].encode() for prediction in predictions], object),
        "probability": np.array([prediction["probability"] for prediction in predictions], np.float32),
        "words": np.array([prediction["words"] for prediction in predictions], np.int32),
        "known_words": np.array([prediction["known_words"] for prediction in predictions], np.int32),
        "truncated": np.array([prediction["truncated"] for prediction in predictions], bool),
    }


def texts_input(shape: list[int], binary: bool = True, module: Any = triton) -> Any:
    tensor = module.InferInput("text", shape, "BYTES")
    tensor.set_data_from_numpy(np.array(TEXTS, object).reshape(shape), binary_data=binary)
    return tensor


def assert_values(result: Any, expected: dict[str, NDArray[Any]], shape: list[int], *names: str) -> None:
    for name in names:
        values = result.as_numpy(name)
        assert values.dtype == expected[name].dtype
        assert values.shape == tuple(shape)
        elements = values.ravel().tolist()
        if "data" in result.get_output(name) and name == "label":  # the client leaves strings of JSON as they are
            elements = [element.encode() for element in elements]
        assert elements == expected[name].tolist()


def test_health(client: triton.InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready(MODEL, "99")
    assert not client.is_model_ready("other")


def test_metadata(client: triton.InferenceServerClient) -> None:
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    for version in ("", "1"):
        metadata = client.get_model_metadata(MODEL, version)
        assert (metadata["name"], metadata["inputs"][0]["name"]) == (MODEL, "text")
        config = client.get_model_config(MODEL, version)
        assert (config["name"], config["input"][0]["data_type"]) == (MODEL, "TYPE_STRING")


def test_statistics(client: triton.InferenceServerClient) -> None:
    for asked in ({}, {"model_name": MODEL}, {"model_name": MODEL, "model_version": "1"}):
        stats = client.get_inference_statistics(**asked)["model_stats"]
        assert (MODEL, "1") in [(model["name"], model["version"]) for model in stats]


def test_repository(client: triton.InferenceServerClient) -> None:
    assert {"name": MODEL, "version": "1", "state": "READY", "reason": ""} in client.get_model_repository_index()
    client.load_model(MODEL)
    assert client.is_model_ready(MODEL)
    with pytest.raises(triton.InferenceServerException, match="default model"):
        client.unload_model(MODEL)
    with pytest.raises(triton.InferenceServerException, match="other"):
        client.load_model("other")


@SHAPES
@BINARY
def test_infer(
    client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]], shape: list[int], binary: bool
) -> None:
    result = client.infer(MODEL, [texts_input(shape, binary)], model_version="3", request_id="a-7")
    assert_values(result, expected, shape, "label", "probability")
    response = result.get_response()
    assert (response["id"], response["model_name"], response["model_version"]) == ("a-7", MODEL, "3")
    assert result.as_numpy("words") is None


@SHAPES
@BINARY
def test_requested_outputs(
    client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]], shape: list[int], binary: bool
) -> None:
    outputs = [triton.InferRequestedOutput(name, binary_data=binary) for name in reversed(expected)]
    result = client.infer(MODEL, [texts_input(shape)], outputs=outputs)
    assert_values(result, expected, shape, *expected)
    assert [output["name"] for output in result.get_response()["outputs"]] == list(reversed(expected))


def test_outputs_of_both_kinds(client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]]) -> None:
    outputs = [triton.InferRequestedOutput(name, binary_data=name == "label") for name in ("probability", "label")]
    result = client.infer(MODEL, [texts_input([3])], outputs=outputs)
    assert_values(result, expected, [3], "label", "probability")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@BINARY
def test_compression(
    client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]], coding: str, binary: bool
) -> None:
    result = client.infer(
        MODEL,
        [texts_input([3], binary)],
        request_compression_algorithm=coding,
        response_compression_algorithm=coding,
    )
    assert_values(result, expected, [3], "label", "probability")


def test_parameters(client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]]) -> None:
    result = client.infer(
        MODEL,
        [texts_input([3])],
        sequence_id=5,
        sequence_start=True,
        priority=1,
        timeout=20_000_000,
        parameters={"mine": "yes"},
    )
    assert_values(result, expected, [3], "label", "probability")


def test_async_infer(client: triton.InferenceServerClient, expected: dict[str, NDArray[Any]]) -> None:
    for pending in [client.async_infer(MODEL, [texts_input([3])]) for _ in range(4)]:
        assert_values(pending.get_result(), expected, [3], "label", "probability")


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"model_name": "other"}, "404", "there is imdb-conv1d"),
        ({"model_version": "99"}, "404", "it has 1"),
        ({"outputs": [triton.InferRequestedOutput("labels")]}, "400", "outputs/0/name"),
        ({"outputs": [triton.InferRequestedOutput("label", class_count=1)]}, "400", "classification"),
        ({"inputs": [triton.InferInput("txet", [1], "BYTES")]}, "400", "inputs/0/name"),
        ({"inputs": [triton.InferInput("text", [1], "BYTES").set_shared_memory("r", 1)]}, "400", "shared_memory"),
        ({"headers": {"Content-Encoding": "br"}}, "415", "gzip, deflate and none"),
    ],
)
def test_an_error_has_status_and_words(
    client: triton.InferenceServerClient, asked: dict[str, Any], status: str, words: str
) -> None:
    with pytest.raises(triton.InferenceServerException) as raised:
        client.infer(**{"model_name": MODEL, "inputs": [texts_input([3])], **asked})
    assert raised.value.status() == status
    assert words in raised.value.message()


def test_extensions_that_are_not_there_are_errors(client: triton.InferenceServerClient) -> None:
    for ask in (client.get_system_shared_memory_status, client.get_trace_settings, client.get_log_settings):
        with pytest.raises(triton.InferenceServerException) as raised:
            ask()
        assert raised.value.status() == "404"


@pytest.mark.parametrize("coding", [None, "gzip", "deflate"])
def test_the_asynchronous_client(address: str, expected: dict[str, NDArray[Any]], coding: str | None) -> None:
    async def main() -> None:
        async with triton_aio.InferenceServerClient(address.removeprefix("http://")) as client:
            assert await client.is_server_ready()
            assert not await client.is_model_ready("other")
            result = await client.infer(
                MODEL,
                [texts_input([3, 1], module=triton_aio)],
                request_compression_algorithm=coding,
                response_compression_algorithm=coding,
            )
            assert_values(result, expected, [3, 1], "label", "probability")
            with pytest.raises(triton.InferenceServerException, match="it has 1"):
                await client.infer(MODEL, [texts_input([3], module=triton_aio)], model_version="99")

    asyncio.run(main())
