import numpy as np
import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import ModelName, Prediction, Predictor
from tests.service.conftest import BundleFolder

NAME = ModelName("small", 1)


def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


def test_a_prediction_counts_words_known_words_and_cuts(small: BundleFolder) -> None:
    good, long = predictor(small).predict(["The good, zyzzyva rare film!", "bad bad bad" + " film" * 6])
    assert good == Prediction("positive", good.probability, words=5, known_words=3, truncated=False, model=NAME)
    assert long == Prediction("negative", long.probability, words=9, known_words=9, truncated=True, model=NAME)
    assert (good.probability, long.probability) == pytest.approx((0.880797, 0.017986), abs=1e-6)


def test_a_probability_is_the_shortest_decimal_of_its_float32(small: BundleFolder) -> None:
    [prediction] = predictor(small).predict(["good"])
    assert len(repr(prediction.probability)) <= 12
    assert float(np.float32(prediction.probability)) != prediction.probability


def test_a_probability_at_the_threshold_is_positive(small: BundleFolder) -> None:
    [prediction] = predictor(small).predict(["the film"])
    assert (prediction.probability, prediction.label) == (0.5, "positive")


def test_the_manifest_sets_threshold_and_labels(small: BundleFolder) -> None:
    small.change_manifest(threshold=0.9, labels=["no", "yes"])
    assert [p.label for p in predictor(small).predict(["good", "good good"])] == ["no", "yes"]


def test_an_unknown_tokenizer_is_refused(small: BundleFolder) -> None:
    small.change_manifest(tokenizer={**small.manifest()["tokenizer"], "name": "runes"})
    with pytest.raises(BundleError, match="'runes'"):
        predictor(small)


def test_a_vocabulary_with_a_word_twice_is_refused_in_one_line(small: BundleFolder) -> None:
    small.replace_file("vocabulary.txt", b"the\ngood\nthe\n")
    with pytest.raises(BundleError, match=r"vocabulary.txt: cannot be used: two words have one hash"):
        predictor(small)
