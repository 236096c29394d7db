"""The Open Inference Protocol as bytes on the wire: what each request gets, and what each refusal says."""

import base64
import gzip
import json
import struct
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from service import __version__
from service.api.content_coding import answer_coding, compress, decompress
from service.api.v2.tensors import pack, unpack_bytes
from service.inference.inputs import Run
from service.inference.predictor import Predictor
from service.models.repository import IndexEntry, Repository
from service.server.application import create_app
from service.settings import Settings
from tests.service.conftest import BundleFolder, write_small_bundle

INFER = "/v2/models/small/infer"
HEADER_LENGTH = "Inference-Header-Content-Length"


def bytes_tensor(*elements: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def tensor(data: Any, shape: Any = None, **changes: Any) -> dict[str, Any]:
    shape = [len(data)] if shape is None else shape
    return {"name": "text", "datatype": "BYTES", "shape": shape, "data": data, **changes}


def infer(client: TestClient, body: dict[str, Any] | bytes, path: str = INFER, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response: Response = client.post(path, content=content, headers=headers)
    return response


def infer_binary(client: TestClient, header: dict[str, Any], binary: bytes, length: int | None = None) -> Response:
    head = json.dumps(header).encode()
    return infer(client, head + binary, **{HEADER_LENGTH: str(len(head) if length is None else length)})


def binary_tensor(binary: bytes, shape: list[int], **parameters: Any) -> dict[str, Any]:
    parameters = {"binary_data_size": len(binary), **parameters}
    return {"name": "text", "datatype": "BYTES", "shape": shape, "parameters": parameters}


def outputs_of(response: Response) -> dict[str, Any]:
    """Values of each output, wherever they are in the answer."""
    assert response.status_code == 200, response.text
    length = int(response.headers.get(HEADER_LENGTH, len(response.content)))
    rest = response.content[length:]
    values: dict[str, Any] = {}
    for output in json.loads(response.content[:length])["outputs"]:
        if "data" in output:
            values[output["name"]] = output["data"]
            continue
        size = output["parameters"]["binary_data_size"]
        part, rest = rest[:size], rest[size:]
        count = output["shape"][0]
        if output["datatype"] == "BYTES":
            values[output["name"]] = [element.decode() for element in unpack_bytes(part, count)]
        else:
            form = {"FP32": "f", "INT32": "i", "BOOL": "?"}[output["datatype"]]
            values[output["name"]] = list(struct.unpack(f"<{count}{form}", part))
    assert rest == b""
    return values


def assert_error(response: Response, status: int, words: str = "") -> str:
    """The protocol's error, which gives nothing of the service away."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert words in body["error"]
    assert "Traceback" not in body["error"]
    return str(body["error"])


# Answers


def test_a_tensor_of_texts_gets_labels_and_probabilities(client: TestClient) -> None:
    response = infer(client, {"id": "7", "inputs": [tensor(["good", "bad"])]})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "model_name": "small",
        "model_version": "1",
        "id": "7",
        "outputs": [
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["positive", "negative"]},
            {
                "name": "probability",
                "datatype": "FP32",
                "shape": [2],
                "data": pytest.approx([0.880797, 0.119203], abs=1e-6),
            },
        ],
    }


def test_without_an_id_the_answer_has_none(client: TestClient) -> None:
    assert "id" not in infer(client, {"inputs": [tensor(["good"])]}).json()


def test_the_values_are_those_of_predict(committed: TestClient) -> None:
    texts = ["I loved every minute of it.", "A waste of two hours.", "Schön — “좋다”", "x"]
    expected = committed.post("/predict", json={"texts": texts}).json()["predictions"]
    names = ["label", "probability", "words", "known_words", "truncated"]
    request = {"inputs": [tensor(texts)], "outputs": [{"name": name} for name in names]}
    values = outputs_of(infer(committed, request, "/v2/models/imdb-conv1d/infer"))
    assert [dict(zip(names, row, strict=True)) for row in zip(*(values[n] for n in names), strict=True)] == expected


@pytest.mark.parametrize("data", [["good", "bad"], [["good"], ["bad"]]])
def test_a_column_of_texts_gets_columns(client: TestClient, data: list[Any]) -> None:
    response = infer(client, {"inputs": [tensor(data, shape=[2, 1])]})
    assert outputs_of(response)["label"] == ["positive", "negative"]
    assert [output["shape"] for output in response.json()["outputs"]] == [[2, 1], [2, 1]]


def test_outputs_come_as_and_in_the_order_requested(client: TestClient) -> None:
    names = ["truncated", "known_words", "words", "probability"]
    response = infer(client, {"inputs": [tensor(["good film, it is good"])], "outputs": [{"name": n} for n in names]})
    assert [(o["name"], o["datatype"]) for o in response.json()["outputs"]] == list(
        zip(names, ["BOOL", "INT32", "INT32", "FP32"], strict=True)
    )
    values = outputs_of(response)
    assert (values["words"], values["known_words"], values["truncated"]) == ([5], [3], [False])


def test_no_requested_outputs_are_the_usual_ones(client: TestClient) -> None:
    assert set(outputs_of(infer(client, {"inputs": [tensor(["good"])], "outputs": []}))) == {"label", "probability"}


def test_a_binary_tensor_is_read(client: TestClient) -> None:
    binary = bytes_tensor(b"good", "schön bad".encode())
    response = infer_binary(client, {"inputs": [binary_tensor(binary, [2, 1])]}, binary)
    assert outputs_of(response)["label"] == ["positive", "negative"]
    assert HEADER_LENGTH not in response.headers


def test_all_outputs_can_be_binary(client: TestClient) -> None:
    request = {"inputs": [tensor(["good", "bad"])], "parameters": {"binary_data_output": True}}
    response = infer(client, request)
    assert response.headers["content-type"] == "application/octet-stream"
    assert outputs_of(response) == {
        "label": ["positive", "negative"],
        "probability": pytest.approx([0.880797, 0.119203], abs=1e-6),
    }
    sizes = [o["parameters"] for o in json.loads(response.content[: int(response.headers[HEADER_LENGTH])])["outputs"]]
    assert sizes == [{"binary_data_size": 24}, {"binary_data_size": 8}]


def test_an_output_that_says_so_is_binary_or_not_whatever_the_request_says(client: TestClient) -> None:
    request = {
        "inputs": [tensor(["good"])],
        "parameters": {"binary_data_output": True},
        "outputs": [
            {"name": "truncated"},
            {"name": "label", "parameters": {"binary_data": False}},
            {"name": "words", "parameters": {"binary_data": True}},
        ],
    }
    response = infer(client, request)
    described = json.loads(response.content[: int(response.headers[HEADER_LENGTH])])["outputs"]
    assert ["data" in output for output in described] == [False, True, False]
    assert outputs_of(response) == {"truncated": [False], "label": ["positive"], "words": [1]}


def test_a_raw_request_is_one_text(client: TestClient) -> None:
    response = infer(client, "schön good".encode(), **{HEADER_LENGTH: "0"})
    assert outputs_of(response) == {"label": ["positive"], "probability": [pytest.approx(0.880797, abs=1e-6)]}
    assert response.headers["content-type"] == "application/octet-stream"


def test_base64_elements_are_decoded(client: TestClient) -> None:
    data = [base64.b64encode(b"good").decode(), base64.b64encode(b"bad").decode()]
    response = infer(client, {"inputs": [tensor(data, parameters={"content_type": "base64"})]})
    assert outputs_of(response)["label"] == ["positive", "negative"]


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/octet-stream", "application/x-www-form-urlencoded", ""]
)
def test_any_media_type_is_read(client: TestClient, content_type: str) -> None:
    assert infer(client, {"inputs": [tensor(["good"])]}, **{"content-type": content_type}).status_code == 200


def test_parameters_that_mean_nothing_here_are_passed_over(client: TestClient) -> None:
    request = {
        "model_name": "other",
        "parameters": {"sequence_id": 3, "sequence_start": True, "priority": 1, "timeout": 0, "mine": {"a": [1.5e400]}},
        "inputs": [tensor(["good"], parameters={"content_type": "str"})],
        "outputs": [{"name": "label", "parameters": {"classification": 0, "mine": None}}],
    }
    assert infer(client, json.dumps(request).encode()).status_code == 200


@pytest.fixture
def two_versions(small: BundleFolder, small_settings: Settings) -> Iterator[TestClient]:
    write_small_bundle(small.path.parents[1], version=2, bias=-3.0)
    with TestClient(create_app(small_settings)) as client:
        yield client


@pytest.mark.parametrize(("path", "version"), [("", "2"), ("/versions/1", "1"), ("/versions/2", "2")])
def test_the_path_says_which_version_answers(two_versions: TestClient, path: str, version: str) -> None:
    body = infer(two_versions, {"inputs": [tensor(["good"])]}, f"/v2/models/small{path}/infer").json()
    assert body["model_version"] == version
    assert body["outputs"][0]["data"] == [{"1": "positive", "2": "negative"}[version]]


# Refusals


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "inference request"),
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"null", "object"),
        (b"[]", "object"),
        (b"{}", "inputs"),
        (b'{"inputs": []}', "inputs"),
        (b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["\\ud83d"]}]}', "JSON"),
        (b'{"inputs": [{"name": "text", "datatype": "BYTES", "shape": [NaN], "data": ["a"]}]}', "shape"),
        ({"inputs": [tensor(["good"], shape=[10**300])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"]), tensor(["good"])]}, "inputs"),
        ({"inputs": [tensor(["good"], name="txet")]}, "inputs/0/name"),
        ({"inputs": [tensor(["good"], datatype="FP32")]}, "inputs/0/datatype"),
        ({"inputs": [{"name": "text", "datatype": "BYTES", "data": ["a"]}]}, "inputs/0/shape"),
        ({"inputs": [tensor([], shape=[0])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"], shape=[-1])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"], shape=[1.0])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"], shape=[True])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"], shape=[])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["a", "b"], shape=[1, 2])]}, "[n, 1]"),
        ({"inputs": [tensor(["good"], shape=[1, 1, 1])]}, "inputs/0/shape"),
        ({"inputs": [tensor(["good"], shape=[2])]}, "1 elements"),
        ({"inputs": [tensor(["a", "b"], shape=[1])]}, "2 elements"),
        ({"inputs": [tensor([], shape=[1])]}, "0 elements"),
        ({"inputs": [tensor([["a"], ["b"]], shape=[2])]}, "strings"),
        ({"inputs": [tensor([["a", "b"]], shape=[2, 1])]}, "strings"),
        ({"inputs": [tensor([["a"], "b"], shape=[2, 1])]}, "strings"),
        ({"inputs": [tensor([[["a"]]], shape=[1, 1])]}, "strings"),
        ({"inputs": [tensor([1])]}, "strings"),
        ({"inputs": [tensor([None])]}, "strings"),
        ({"inputs": [tensor("good", shape=[1])]}, "inputs/0/data"),
        ({"inputs": [tensor(None, shape=[1])]}, "neither data"),
        ({"inputs": [tensor(["x"] * 6)]}, "6 texts"),
        ({"inputs": [tensor(["x"], shape=[10**15])]}, "one request may have 5"),
        ({"inputs": [tensor(["good", " "])]}, "text[1]: The text is blank"),
        ({"inputs": [tensor(["a\0"])]}, "text[0]"),
        ({"inputs": [tensor(["a", "x" * 61])]}, "text[1]"),
        ({"inputs": [tensor(["a"], parameters={"binary_data_size": 5})]}, "both"),
        ({"inputs": [tensor(None, shape=[1], parameters={"binary_data_size": 5})]}, HEADER_LENGTH),
        ({"inputs": [tensor(None, shape=[1], parameters={"binary_data_size": -1})]}, "binary_data_size"),
        ({"inputs": [tensor(None, shape=[1], parameters={"binary_data_size": 0.5})]}, "binary_data_size"),
        ({"inputs": [tensor(["a"], parameters={"shared_memory_region": "r"})]}, "does not have"),
        ({"inputs": [tensor(["%%%"], parameters={"content_type": "base64"})]}, "text[0] is not base64"),
        ({"inputs": [tensor(["좋다"], parameters={"content_type": "base64"})]}, "text[0] is not base64"),
        ({"inputs": [tensor(["/w=="], parameters={"content_type": "base64"})]}, "text[0] is not UTF-8"),
        ({"inputs": [tensor(["a"])], "outputs": [{"name": "labels"}]}, "outputs/0/name"),
        ({"inputs": [tensor(["a"])], "outputs": [{"name": "label"}, {"name": "label"}]}, "twice"),
        ({"inputs": [tensor(["a"])], "outputs": [{"name": "label", "parameters": {"binary_data": 1}}]}, "binary_data"),
        (
            {"inputs": [tensor(["a"])], "outputs": [{"name": "label", "parameters": {"classification": 2}}]},
            "classification",
        ),
        ({"inputs": [tensor(["a"])], "parameters": {"timeout": "soon"}}, "timeout"),
        ({"inputs": [tensor(["a"])], "parameters": {"timeout": 2**63}}, "timeout"),
        ({"inputs": [tensor(["a"])], "id": 7}, "id"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(client: TestClient, body: dict[str, Any] | bytes, words: str) -> None:
    assert_error(infer(client, body), 400, words)


@pytest.mark.parametrize(
    ("binary", "shape", "size", "words"),
    [
        (bytes_tensor(b"good"), [1], 7, "binary_data_size is 7, but 8 bytes"),
        (bytes_tensor(b"good"), [1], 9, "binary_data_size is 9, but 8 bytes"),
        (bytes_tensor(b"good"), [2], None, "ends before element 1 of 2"),
        (bytes_tensor(b"good") + b"\0\0", [2], None, "ends before element 1 of 2"),
        (bytes_tensor(b"good", b"bad"), [1], None, "7 bytes follow the last of 1"),
        (b"\xff\xff\xff\xffgood", [1], None, "should have 4,294,967,295 bytes, but 4 follow"),
        (b"good", [1], None, "should have"),
        (b"", [1], None, "ends before element 0"),
        (bytes_tensor(b"good", b"\xff\xfe"), [2], None, "text[1] is not UTF-8: byte 0xff at position 0"),
        (bytes_tensor(b"good", b"\xed\xa0\x80"), [2], None, "text[1] is not UTF-8"),
        (bytes_tensor(b"good", b""), [2], None, "text[1]: The text is blank"),
    ],
)
def test_bad_binary_data_is_told_what_is_wrong(
    client: TestClient, binary: bytes, shape: list[int], size: int | None, words: str
) -> None:
    parameters = {} if size is None else {"binary_data_size": size}
    assert_error(infer_binary(client, {"inputs": [binary_tensor(binary, shape, **parameters)]}, binary), 400, words)


def test_bytes_that_no_input_claims_are_refused(client: TestClient) -> None:
    assert_error(infer_binary(client, {"inputs": [tensor(["good"])]}, b"more"), 400, "4 bytes follow the JSON")


@pytest.mark.parametrize("length", ["", "-1", "1.5", "x", "²", "1" * 30])
def test_a_header_length_that_is_no_number_is_refused(client: TestClient, length: str) -> None:
    response = client.post(INFER, content=b"{}", headers={HEADER_LENGTH: length.encode()})
    assert_error(response, 400, HEADER_LENGTH)


def test_a_header_length_beyond_the_body_is_refused(client: TestClient) -> None:
    assert_error(infer_binary(client, {"inputs": []}, b"", length=99), 400, "99, but the body has 14 bytes")


def test_a_header_length_that_cuts_the_json_is_refused(client: TestClient) -> None:
    assert_error(infer_binary(client, {"inputs": []}, b"", length=5), 400, "JSON")


def test_a_raw_request_that_is_no_text_is_refused(client: TestClient) -> None:
    assert_error(infer(client, b"\xff", **{HEADER_LENGTH: "0"}), 400, "text[0] is not UTF-8")


def test_a_body_that_is_too_large_is_refused(client: TestClient) -> None:
    assert_error(infer(client, b"x" * 501), 413, "500")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v2/models/other/infer", 404, "there is small"),
        ("/v2/models/small/versions/3/infer", 404, "it has 1"),
        ("/v2/models/small/versions/0/infer", 400, "version"),
        ("/v2/models/small/versions/one/infer", 404, "no version one; it has 1"),
        ("/v2/models/small/versions/%D9%A1/infer", 400, "version"),
    ],
)
def test_a_model_that_is_not_there_is_told_what_is(client: TestClient, path: str, status: int, words: str) -> None:
    assert_error(infer(client, {"inputs": [tensor(["good"])]}, path), status, words)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/nowhere",
        "/v2/systemsharedmemory/status",
        "/v2/logging",
        "/v2/models/small/trace/setting",
    ],
)
def test_a_route_of_an_extension_that_is_not_there_is_an_error_of_the_protocol(client: TestClient, path: str) -> None:
    assert_error(client.get(path), 404, path)
    assert_error(client.post(path, json={}), 404, path)


def test_a_wrong_method_is_an_error_of_the_protocol(client: TestClient) -> None:
    response = client.get(INFER)
    assert_error(response, 405, "it takes POST")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v2x", "/v22/models", "/nowhere"])
def test_other_routes_keep_their_problems(client: TestClient, path: str) -> None:
    assert client.get(path).headers["content-type"] == "application/problem+json"


def test_a_bug_is_an_error_that_gives_nothing_away(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(Predictor, "compute", broken)
    assert "secret" not in assert_error(infer(client, {"inputs": [tensor(["good"])]}), 500)


def test_an_answer_after_its_timeout_is_not_waited_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    compute = Predictor.compute

    def slow(predictor: Predictor, run: Run) -> NDArray[np.float32]:
        assert answered.wait(20)
        return compute(predictor, run)

    monkeypatch.setattr(Predictor, "compute", slow)
    monkeypatch.setattr(Predictor, "seconds", lambda *_: 20.0)
    response = infer(client, {"inputs": [tensor(["good"])], "parameters": {"timeout": 1_000}})
    answered.set()
    assert_error(response, 504, "1,000 microseconds")


# Compression


def deflate_raw(body: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(body) + squeeze.flush()


@pytest.mark.parametrize(
    ("coding", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("deflate", zlib.compress),
        ("deflate", deflate_raw),
        ("identity", bytes),
    ],
)
def test_a_compressed_request_is_read(client: TestClient, coding: str, squeeze: Any) -> None:
    body = json.dumps({"inputs": [tensor(["good"])]}).encode()
    assert outputs_of(infer(client, squeeze(body), **{"content-encoding": coding}))["label"] == ["positive"]


def test_the_header_length_is_that_before_compression(client: TestClient) -> None:
    binary = bytes_tensor(b"good")
    head = json.dumps({"inputs": [binary_tensor(binary, [1])]}).encode()
    response = infer(
        client, gzip.compress(head + binary), **{"content-encoding": "gzip", HEADER_LENGTH: str(len(head))}
    )
    assert outputs_of(response)["label"] == ["positive"]


@pytest.mark.parametrize("squeeze", [gzip.compress, zlib.compress, deflate_raw])
@pytest.mark.parametrize("size", [501, 100_000])
def test_a_body_that_expands_too_far_is_refused(client: TestClient, squeeze: Any, size: int) -> None:
    coding = "gzip" if squeeze is gzip.compress else "deflate"
    assert_error(infer(client, squeeze(b" " * size), **{"content-encoding": coding}), 413, "500")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"{}"),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-9]),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4] + b"\0\0\0\0"),
        ("deflate", b"{}"),
        ("deflate", zlib.compress(b"{}")[:-1]),
        ("deflate", zlib.compress(b"{}") + b"x"),
        ("deflate", b"\x78"),
    ],
)
def test_what_is_not_compressed_as_it_says_is_refused(client: TestClient, coding: str, body: bytes) -> None:
    assert_error(infer(client, body, **{"content-encoding": coding}), 400, coding)


@pytest.mark.parametrize("coding", ["br", "gzip, deflate", "zstd"])
def test_an_unknown_coding_is_refused(client: TestClient, coding: str) -> None:
    assert_error(infer(client, b"{}", **{"content-encoding": coding}), 415, "gzip, deflate and none")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_an_answer_is_compressed_on_request(client: TestClient, coding: str) -> None:
    response = infer(client, {"inputs": [tensor(["good"])]}, **{"accept-encoding": coding})
    assert response.headers["content-encoding"] == coding
    assert outputs_of(response)["label"] == ["positive"]  # httpx has decompressed it


@pytest.mark.parametrize(
    ("accept", "size", "coding"),
    [
        ("", 9_999, None),
        ("gzip", 10, "gzip"),
        ("deflate", 10, "deflate"),
        ("br", 9_999, None),
        ("gzip, deflate, br", 999, None),
        ("gzip, deflate, br", 1_000, "gzip"),
        ("br;q=1.0, deflate;q=0.5", 1_000, "deflate"),
        ("gzip;q=0, deflate", 1_000, "deflate"),
        ("gzip; q=0.0", 1_000, None),
        ("identity", 1_000, None),
    ],
)
def test_the_coding_of_an_answer_is_one_that_the_client_reads(accept: str, size: int, coding: str | None) -> None:
    assert answer_coding(accept, size) == coding


# Metadata, statistics, repository


def test_the_server_says_what_it_is_and_can(client: TestClient) -> None:
    body = client.get("/v2").json()
    assert (body["name"], body["version"]) == ("conv1d-sentiment", __version__)
    assert {"binary_tensor_data", "model_configuration", "model_repository", "statistics"} <= set(body["extensions"])


def test_health_is_json(client: TestClient) -> None:
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    for path in ("/v2/models/small/ready", "/v2/models/small/versions/1/ready"):
        assert client.get(path).json() == {"name": "small", "ready": True}


def test_a_service_that_stops_is_live_and_not_ready(small_settings: Settings) -> None:
    with TestClient(app := create_app(small_settings)) as client:
        app.collaborators.lifecycle.draining = True
        assert client.get("/v2/health/live").json() == {"live": True}
        response = client.get("/v2/health/ready")
        assert_error(response, 503, "shutting down")
        assert response.headers["retry-after"]
        assert_error(client.get("/v2/models/small/ready"), 503, "shutting down")


@pytest.mark.parametrize("what", ["", "/ready", "/config", "/stats"])
def test_an_unknown_model_has_nothing_to_tell(client: TestClient, what: str) -> None:
    assert_error(client.get(f"/v2/models/other{what}"), 404, "there is small")
    assert_error(client.get(f"/v2/models/small/versions/3{what}"), 404, "it has 1")
    assert_error(client.get(f"/v2/models/small/versions/-{what}"), 400, "version")


@pytest.mark.parametrize("path", ["/v2/models/small", "/v2/models/small/versions/1"])
def test_metadata_names_tensors_that_infer_takes_and_gives(two_versions: TestClient, path: str) -> None:
    body = two_versions.get(path).json()
    assert (body["name"], body["versions"]) == ("small", ["1", "2"])
    assert body["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1, 1]}]
    answer = infer(two_versions, {"inputs": [tensor(["good"], shape=[1, 1])]}).json()["outputs"]
    assert [(o["name"], o["datatype"]) for o in body["outputs"]] == [(o["name"], o["datatype"]) for o in answer]


def test_the_configuration_agrees_with_the_settings_and_the_metadata(client: TestClient) -> None:
    body = client.get("/v2/models/small/config").json()
    metadata = client.get("/v2/models/small").json()
    assert (body["name"], body["platform"], body["max_batch_size"]) == ("small", metadata["platform"], 5)
    assert body["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": [1]}]
    assert [(o["name"], o["data_type"]) for o in body["output"]] == [
        ("label", "TYPE_STRING"),
        ("probability", "TYPE_FP32"),
    ]
    assert body["parameters"]["labels"]["string_value"] == "negative,positive"


def test_statistics_are_those_that_were_counted(two_versions: TestClient) -> None:
    infer(two_versions, {"inputs": [tensor(["good", "bad"])]})
    two_versions.post("/predict?version=1", json={"text": "good"})
    for path in ("/v2/models/stats", "/v2/models/small/stats"):
        stats = two_versions.get(path).json()["model_stats"]
        counts = [(s["name"], s["version"], s["inference_count"], s["execution_count"]) for s in stats]
        assert counts == [("small", "1", 1, 1), ("small", "2", 2, 1)]
    [stats] = two_versions.get("/v2/models/small/versions/2/stats").json()["model_stats"]
    assert stats["last_inference"] > 1.7e12
    inference = stats["inference_stats"]
    assert set(inference) == {"success", "fail", "queue", "compute_input", "compute_infer", "compute_output"}
    assert inference["success"]["count"] == 1
    assert inference["fail"] == {"count": 0, "ns": 0}
    parts = ("queue", "compute_input", "compute_infer")
    assert inference["success"]["ns"] == sum(inference[part]["ns"] for part in parts) > 0


@pytest.mark.parametrize("body", [b"", b"{}", b'{"ready": true}', b'{"ready": false}'])
def test_the_index_lists_what_is_there(two_versions: TestClient, body: bytes) -> None:
    assert two_versions.post("/v2/repository/index", content=body).json() == [
        {"name": "small", "version": "1", "state": "READY", "reason": ""},
        {"name": "small", "version": "2", "state": "READY", "reason": ""},
    ]


def test_the_index_leaves_out_what_cannot_answer_when_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [IndexEntry("small", 1, "READY", ""), IndexEntry("small", 2, "UNAVAILABLE", "spoilt")]
    monkeypatch.setattr(Repository, "index", lambda _: entries)

    def versions(body: dict[str, bool]) -> list[str]:
        return [entry["version"] for entry in client.post("/v2/repository/index", json=body).json()]

    assert versions({"ready": True}) == ["1"]
    assert versions({}) == ["1", "2"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"ready": 1}', b'{"ready": null}'])
def test_a_bad_index_request_is_refused(client: TestClient, body: bytes) -> None:
    assert_error(client.post("/v2/repository/index", content=body), 400)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"parameters": {"mine": 1}}'])
def test_loading_takes_up_a_new_version(client: TestClient, small: BundleFolder, body: bytes) -> None:
    write_small_bundle(small.path.parents[1], version=2)
    assert_error(client.get("/v2/models/small/versions/2/ready"), 404)
    response = client.post("/v2/repository/models/small/load", content=body)
    assert (response.status_code, response.json()) == (200, {})
    assert client.get("/v2/models/small/versions/2/ready").status_code == 200


def test_a_spoilt_bundle_is_not_loaded_and_the_old_one_goes_on(client: TestClient, small: BundleFolder) -> None:
    (small.path / "vocabulary.txt").write_text("other\n")
    assert_error(client.post("/v2/repository/models/small/load"), 409, "vocabulary.txt")
    assert infer(client, {"inputs": [tensor(["good"])]}).status_code == 200


def test_loading_what_is_not_there_is_refused(client: TestClient) -> None:
    assert_error(client.post("/v2/repository/models/other/load"), 404, "other")


@pytest.mark.parametrize("parameters", [{"config": "{}"}, {"file:1/model.onnx": "AAAA"}])
def test_loading_with_something_else_than_the_folder_has_is_refused(
    client: TestClient, parameters: dict[str, str]
) -> None:
    response = client.post("/v2/repository/models/small/load", json={"parameters": parameters})
    assert_error(response, 400, next(iter(parameters)))


def test_the_default_model_is_not_unloaded(client: TestClient) -> None:
    body = {"parameters": {"unload_dependents": False}}
    assert_error(client.post("/v2/repository/models/small/unload", json=body), 409, "default")
    assert client.get("/v2/models/small/ready").status_code == 200


def test_unloading_what_is_not_there_is_refused(client: TestClient) -> None:
    assert_error(client.post("/v2/repository/models/other/unload"), 404)


def test_every_answer_is_documented(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    operations = [(path, o) for path, methods in document["paths"].items() for o in methods.values()]
    of_v2 = [(path, operation) for path, operation in operations if path.startswith("/v2")]
    assert len(of_v2) == 17
    for path, operation in of_v2:
        errors = operation["responses"]["default"]["content"]
        assert errors == {"application/json": {"schema": {"$ref": "#/components/schemas/V2Error"}}}
        assert {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"} == {
            part[1:-1] for part in path.split("/") if part.startswith("{")
        }
    assert "$defs" not in json.dumps(document["paths"])


# Anything at all


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_packed_elements_are_unpacked_as_they_were(elements: list[bytes]) -> None:
    assert unpack_bytes(bytes_tensor(*elements), len(elements)) == elements


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_are_packed_as_utf8_with_their_lengths(texts: list[str]) -> None:
    assert [element.decode() for element in unpack_bytes(pack("BYTES", texts), len(texts))] == texts


@given(st.binary(max_size=2_000), st.sampled_from(["gzip", "deflate"]))
def test_compressed_bodies_expand_to_what_they_were(body: bytes, coding: str) -> None:
    assert decompress(compress(body, coding), coding, 2_000) == body


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    small = write_small_bundle(tmp_path_factory.mktemp("any") / "models")
    with TestClient(create_app(Settings(models_dir=small.path.parents[1], model="small", max_texts=5))) as client:
        yield client


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(1, 6), st.sampled_from(["", "gzip", "deflate"]))
@example(bytes_tensor(b"good"), 1, "")
def test_any_binary_payload_is_answered_or_refused(
    shared_client: TestClient, binary: bytes, count: int, coding: str
) -> None:
    head = json.dumps({"inputs": [binary_tensor(binary, [count])]}).encode()
    for content, length in ((head + binary, len(head)), (binary, 0), (binary, len(binary) // 2), (binary, len(binary))):
        response = infer(shared_client, content, **{HEADER_LENGTH: str(length), "content-encoding": coding})
        assert response.status_code < 500
        assert response.status_code == 200 or set(response.json()) == {"error"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), lambda v: st.lists(v, max_size=3)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "datatype", "shape", "data", "parameters"), json_values)),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "outputs", "parameters"), json_values)),
)
def test_any_json_is_answered_or_refused(
    shared_client: TestClient, of_input: dict[str, Any], of_request: dict[str, Any]
) -> None:
    request = {"inputs": [{**tensor(["good"]), **of_input}], **of_request}
    response = infer(shared_client, json.dumps(request).encode())
    assert response.status_code < 500
    assert response.status_code == 200 or set(response.json()) == {"error"}
