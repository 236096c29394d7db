"""The check of answers: that it accepts those of the bundle and nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from bench.peers.answers import ODD, TOLERANCE, check_answers, expected_answers, service_tolerance
from bench.peers.errors import PeerError
from bench.usual_model import UsualModel
from service.inference.bundle import open_bundle

EXPECTED = {"A good film.": 0.9, "A bad film.": 0.2, "A film.": 0.5}


@contextmanager
def answering(answer: Callable[[str], tuple[int, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
            status, found = answer(text)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def prediction(probability: float) -> dict[str, Any]:
    return {"label": "positive" if probability >= 0.5 else "negative", "probability": probability}


@pytest.mark.parametrize("form", [lambda answer: answer, lambda answer: [answer]], ids=["object", "list of one"])
def test_the_answers_of_the_bundle_pass(form: Callable[[Any], Any]) -> None:
    with answering(lambda text: (200, form(prediction(EXPECTED[text] + 0.5 * TOLERANCE)))) as address:
        check_answers(address, EXPECTED, TOLERANCE)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda text: (200, prediction(EXPECTED[text] - 2 * TOLERANCE)), "answers 0.899980 to 'A good film.'"),
        (lambda text: (200, prediction(1 - EXPECTED[text])), "not 0.900000"),
        (lambda text: (200, {**prediction(EXPECTED[text]), "label": "negative"}), "answers 'negative'"),
        (lambda text: (200, {**prediction(EXPECTED[text]), "probability": float("nan")}), "answers nan"),
        (lambda _: (503, {}), "answers 503 to 'A good film.'"),
        (lambda _: (200, {"detail": "busy"}), "busy"),
        (lambda _: (200, []), r"answers \[\]"),
    ],
)
def test_other_answers_are_told(answer: Callable[[str], tuple[int, Any]], message: str) -> None:
    with answering(answer) as address, pytest.raises(PeerError, match=message):
        check_answers(address, EXPECTED, TOLERANCE)


def test_what_is_expected_is_what_the_fixed_length_graph_says_of_texts_that_both_tokenizers_read_alike() -> None:
    bundle = open_bundle(Path("models/imdb-conv1d/1"))
    expected = expected_answers(bundle, ["It isn\u2019t good.", "It isn't good.", "It isn't good."])
    assert list(expected) == [*ODD, "It isn't good."]
    answers = UsualModel(bundle, threads=1).answers(list(expected))
    assert [answer["probability"] for answer in answers] == pytest.approx(list(expected.values()), abs=TOLERANCE)


def test_the_service_may_differ_by_what_its_manifest_says() -> None:
    bundle = open_bundle(Path("models/imdb-conv1d/3"))
    assert service_tolerance(bundle) == bundle.manifest.graphs["int8"].metrics["max_difference_to_keras"]
