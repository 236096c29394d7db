"""The graphs of the committed bundle against each other, through the session that serves them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.bundle import open_bundle
from service.inference.session import Session
from tests.service.conftest import MODELS_DIR

START, CUT = 1, 2
LENGTHS = range(1, 302)  # one more than the model reads: its first id is cut


@pytest.fixture(scope="module")
def sessions() -> dict[str, Session]:
    bundle = open_bundle(MODELS_DIR / "imdb-conv1d" / "1")
    return {precision: Session(bundle, precision) for precision in ("reference", "float32", "int8")}


def texts(kind: str) -> list[NDArray[np.int32]]:
    chance = np.random.default_rng(3)

    def body(words: int) -> NDArray[np.int64]:
        return chance.integers(4, 500, words) if kind == "random words" else np.full(words, CUT)

    return [np.array([START, *body(length - 1)], np.int32) for length in LENGTHS]


@pytest.mark.parametrize("kind", ["random words", "only unknown words"])
def test_the_inference_form_answers_as_the_reference_at_every_length(sessions: dict[str, Session], kind: str) -> None:
    reference = sessions["reference"].probabilities(texts(kind))
    together = sessions["float32"].probabilities(texts(kind))
    alone = np.concatenate([sessions["float32"].probabilities([text]) for text in texts(kind)])
    assert np.ptp(reference) > 0.01
    np.testing.assert_allclose(together, reference, rtol=0, atol=1e-5)
    np.testing.assert_allclose(alone, reference, rtol=0, atol=1e-5)


def test_the_8_bit_form_gives_one_answer_whatever_stands_beside_a_text(sessions: dict[str, Session]) -> None:
    together = sessions["int8"].probabilities(texts("random words"))
    alone = np.concatenate([sessions["int8"].probabilities([text]) for text in texts("random words")])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
