"""The graphs of the committed bundle against each other, through the session that serves them."""

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.bundle import Bundle, open_bundle
from service.inference.predictor import Predictor
from service.inference.session import Session
from tests.service.conftest import MODELS_DIR

START, CUT = 1, 2
REVIEWS = 1_000
FORMS = [
    "int8",
    pytest.param(
        "float32",
        marks=pytest.mark.xfail(
            platform.machine() not in ("x86_64", "AMD64"),
            reason="float32 convolutions may depend on the width where onnxruntime has no blocked kernels",
            strict=False,
        ),
    ),
]


@pytest.fixture(scope="module", params=["1", "3"])
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return open_bundle(MODELS_DIR / "imdb-conv1d" / request.param)


@pytest.fixture(scope="module")
def sessions(bundle: Bundle) -> dict[str, Session]:
    return {precision: Session(bundle, precision) for precision in ("reference", "float32", "int8")}


@pytest.fixture(scope="module")
def reviews(imdb_data_dir: Path, bundle: Bundle) -> list[NDArray[np.int32]]:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text"])
    predictor = Predictor.load(bundle, "int8")
    encoded = predictor.encode(table["text"].to_pylist()[:: len(table) // REVIEWS][:REVIEWS])
    return [np.asarray(text.token_ids, np.int32) for text in encoded]


def texts(bundle: Bundle, kind: str) -> list[NDArray[np.int32]]:
    """Of lengths up to one more than the model reads, of which the first id is cut."""
    chance = np.random.default_rng(3)
    maxlen, num_words = bundle.manifest.input.maxlen, bundle.manifest.tokenizer.num_words

    def body(words: int) -> NDArray[np.int64]:
        return chance.integers(4, num_words, words) if kind == "random words" else np.full(words, CUT)

    lengths = [*range(1, 301), *range(301, maxlen, 7), maxlen, maxlen + 1]
    return [np.array([START, *body(length - 1)], np.int32) for length in lengths]


@pytest.mark.parametrize("kind", ["random words", "only unknown words"])
def test_the_inference_form_answers_as_the_reference_at_every_length(
    bundle: Bundle, sessions: dict[str, Session], kind: str
) -> None:
    given = texts(bundle, kind)
    reference = sessions["reference"].probabilities(given)
    together = sessions["float32"].probabilities(given)
    alone = np.concatenate([sessions["float32"].probabilities([text]) for text in given])
    assert np.ptp(reference) > 0.01
    np.testing.assert_allclose(together, reference, rtol=0, atol=1e-5)
    np.testing.assert_allclose(alone, reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", FORMS)
@pytest.mark.parametrize("kind", ["random words", "only unknown words", "real reviews"])
def test_a_text_gets_the_same_number_whatever_is_computed_with_it(
    bundle: Bundle, sessions: dict[str, Session], precision: str, kind: str, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue("reviews") if kind == "real reviews" else texts(bundle, kind)
    session, chance = sessions[precision], np.random.default_rng(5)
    alone = np.concatenate([session.probabilities([text]) for text in given])
    assert np.ptp(alone) > 0.01
    np.testing.assert_array_equal(session.probabilities(given), alone)
    order = chance.permutation(len(given)).tolist()
    mixed, maxlen = np.empty_like(alone), bundle.manifest.input.maxlen
    while order:  # in no order and of any size, padded further than any of them needs
        rows = [order.pop() for _ in range(min(len(order), int(chance.integers(1, 17))))]
        cut = [given[row][-maxlen:] for row in rows]
        width = int(chance.integers(max(map(len, cut)), maxlen, endpoint=True))
        mixed[rows] = session.probabilities([np.pad(text, (0, width - len(text))) for text in cut])
    np.testing.assert_array_equal(mixed, alone)
