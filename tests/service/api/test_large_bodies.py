"""Bodies that cost more than they seem to: each sent to a real process, whose memory and event loop are measured."""

import gzip
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from service.api.v2.tensors import pack
from service.settings import Settings
from tests.service.conftest import write_small_bundle
from tests.service.running import Running, running
from tests.service.server.attack import GAP_AMONG_MANY_SECONDS, LONGEST_GAP_SECONDS, watching

MOST_MB = 80

LARGEST = Settings.model_fields["max_body_bytes"].default
JSON = {"Content-Type": "application/json"}
INFER = "/v2/models/small/infer"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    small = write_small_bundle(tmp_path_factory.mktemp("models"))
    flags = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1", "--request-log", "false"]
    with running(*flags) as service:
        with service.client() as client:  # what every large body needs once: threads, and a parser's buffers
            assert client.post("/predict", json={"texts": ["good " * 700] * 1_000}).status_code == 200
        yield service


def filled(head: bytes, filling: bytes, tail: bytes, size: int = LARGEST) -> bytes:
    """A body of about `size` bytes, and no more."""
    return head + filling * ((size - len(head) - len(tail)) // len(filling)) + tail


MEMBER = b'{"text":"good","x":['
DATA = b'{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":['
BODIES = {
    "lists in a member that is not known": ("/predict", filled(MEMBER, b"[],", b"0]}"), 413),
    "objects": ("/predict", filled(MEMBER, b"{},", b"0]}"), 413),
    "short strings": ("/predict", filled(MEMBER, b'"",', b"0]}"), 413),
    "strings of commas and quotes": ("/predict", filled(b'{"text":"', rb",[{\",", b'"}'), 422),
    "quotes alone": ("/predict", filled(b"", b'"', b""), 400),
    "backslashes alone": ("/predict", filled(b'"', b"\\", b""), 400),
    "members": ("/predict", filled(b'{"text":"good"', b',"x":0', b"}"), 413),
    "lists in lists": ("/predict", filled(MEMBER, b"[", b""), 413),
    "a number of millions of digits": ("/predict", filled(MEMBER, b"9", b"]}"), 400),
    "more texts than allowed": ("/predict", filled(b'{"texts":["a"', b',"a"', b"]}"), 413),
    "lists for a tensor": (INFER, filled(DATA, b"[],", b"[]]}]}"), 413),
    "rows for a tensor": (INFER, filled(DATA, b'["a"],', b'["a"]]}]}'), 413),
    "lists in a member that the protocol passes over": (INFER, filled(b'{"x":[', b"[],", b"0]}"), 413),
    "a file of another model": ("/v2/repository/index", filled(b'{"x":[', b"[],", b"0]}"), 413),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused_before_it_takes_memory_or_time(service: Running, name: str) -> None:
    path, body, status = BODIES[name]
    with watching(service) as watch, service.client() as client:
        answer = client.post(path, content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert watch.memory_mb < MOST_MB
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("path", ["/predict", INFER])
@pytest.mark.parametrize("size", [LARGEST, 40 * LARGEST])
def test_a_compressed_body_costs_no_more_than_a_plain_one(service: Running, path: str, coding: str, size: int) -> None:
    body = filled(DATA if path == INFER else MEMBER, b"[],", b"[]]}]}" if path == INFER else b"0]}", size)
    compressed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    assert len(compressed) < size / 500
    with watching(service) as watch, service.client() as client:
        answer = client.post(path, content=compressed, headers={**JSON, "Content-Encoding": coding})
    assert answer.status_code == 413, answer.text
    assert watch.memory_mb < MOST_MB
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS


def test_many_compressed_bodies_at_once_are_expanded_a_few_at_a_time(service: Running) -> None:
    compressed = gzip.compress(filled(DATA, b"[],", b"[]]}]}"))

    def send(_: int) -> int:
        headers = {**JSON, "Content-Encoding": "gzip"}
        return httpx.post(f"{service.address}{INFER}", content=compressed, headers=headers, timeout=60).status_code

    with watching(service) as watch, ThreadPoolExecutor(40) as pool:
        assert set(pool.map(send, range(80))) == {413}
    assert watch.memory_mb < 2 * MOST_MB
    assert watch.longest_gap_seconds < GAP_AMONG_MANY_SECONDS


def test_a_thousand_texts_of_full_length_reviews_fit_and_hold_up_nobody(service: Running) -> None:
    texts = [f"good {'film, bad, ' * 330}" for _ in range(1_000)]  # 3.6 MB; the mean of IMDB's reviews is 1.3 kB
    with watching(service) as watch, service.client() as client:
        answer = client.post("/predict", json={"texts": texts})
    assert answer.status_code == 200, answer.text[:500]
    assert watch.memory_mb < MOST_MB
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS


def test_texts_of_the_greatest_length_hold_up_nobody(service: Running) -> None:
    texts = ["é" + "good film " * 9_999] * 39
    with watching(service) as watch, service.client() as client:
        answer = client.post("/predict", content=json.dumps({"texts": texts}, ensure_ascii=False), headers=JSON)
    assert answer.status_code == 200, answer.text[:500]
    assert watch.memory_mb < MOST_MB
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS


@pytest.mark.parametrize("path", ["/explain", "/layers"])
@pytest.mark.parametrize("words", [2_000, 20_000])
def test_long_texts_that_people_look_at_wait_for_their_turn(service: Running, path: str, words: int) -> None:
    text = ("é" * (100_000 // words - 1) + " ") * words

    def send(_: int) -> int:
        return httpx.post(f"{service.address}{path}", json={"text": text}, timeout=60).status_code

    with watching(service) as watch, ThreadPoolExecutor(40) as pool:
        statuses = set(pool.map(send, range(40)))
    assert statuses <= {200, 422, 404, 503}
    assert watch.memory_mb < 2 * MOST_MB
    assert watch.longest_gap_seconds < GAP_AMONG_MANY_SECONDS


COMBINING = "a" + "\u0301" * 50_000 + "\u0316" * 49_999
LINES = "application/x-ndjson"


def texts(text: str, count: int) -> bytes:
    return json.dumps({"texts": [text] * count}, ensure_ascii=False).encode()


SLOW = {
    "combining marks": ("/predict", "application/json", texts(COMBINING, 19), 200),
    "tags before every word": ("/predict", "application/json", texts("<b>&amp;" * 480, 1_000), 200),
    "beginnings of tags": ("/predict", "application/json", texts("<b " * 33_000, 39), 200),
    "texts of which none is Latin": ("/predict?model=auto", "application/json", texts("영화 " * 550, 1_000), 200),
    "more rows than texts allowed": ("/invocations", "text/csv", b"good\n" * 800_000, 422),
    "lists in long lines": ("/predict/batch", LINES, filled(MEMBER, b"[],", b"0]}\n", 999_000) * 4, 200),
    "numbers in long lines": ("/predict/batch", LINES, filled(MEMBER, b"1,", b"0]}\n", 999_000) * 4, 200),
    "texts in long lines": ("/predict/batch", LINES, filled(b'{"text":"', b"good ", b'"}\n', 99_000) * 40, 200),
    "lists in the elements of an array": (
        "/predict/batch",
        "application/json",
        b'["good",' + filled(b"[", b"[],", b"0],", 999_000) + b'"bad"]',
        200,
    ),
    "brackets in the strings of an array": (
        "/predict/batch",
        "application/json",
        b"[" + filled(b'"', rb"[]{},\"", b'",', 999_000) * 4 + b'"bad"]',
        200,
    ),
    "rows of a thousand columns": (
        "/predict/batch",
        "text/csv",
        b"text" + b"," * 999 + b"\n" + (b"good" + b"," * 999 + b"\n") * 1_000,
        200,
    ),
    "rows with too few of a thousand columns": (
        "/predict/batch",
        "text/csv",
        b"text" + b"," * 999 + b"\n" + b"good\n" * 2_000,
        200,
    ),
    "quotes doubled in long rows": (
        "/predict/batch",
        "text/csv",
        b"text\n" + filled(b'"', b'a""', b'"\n', 999_000) * 4,
        200,
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_nothing_takes_longer_than_50_ms_of_the_event_loop(service: Running, name: str) -> None:
    path, content_type, body, status = SLOW[name]
    with watching(service) as watch, service.client() as client:
        answer = client.post(path, content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text[:500]
    assert watch.answers
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS


def test_a_binary_tensor_of_long_texts_holds_up_nobody(service: Running) -> None:
    elements = pack("BYTES", ["good film " * 390] * 1_000)
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1_000], "parameters": {"binary_data_size": len(elements)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    with watching(service) as watch, service.client() as client:
        answer = client.post(
            INFER, content=head + elements, headers={"Inference-Header-Content-Length": str(len(head))}
        )
    assert answer.status_code == 200, answer.text[:500]
    assert watch.longest_gap_seconds < LONGEST_GAP_SECONDS
