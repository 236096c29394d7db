import random
from math import log
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BundleError, TextTooLongError
from service.explain.occlusion import Explanation, Phrase, Word, explain
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import MODELS_DIR, BundleFolder, write_ngram_bundle, write_small_bundle


def predictor(small: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(small.path), "float32")


def marked(text: str, explanation: Explanation) -> list[tuple[str, Any, bool, bool]]:
    return [
        (text[w.start : w.end], pytest.approx(w.contribution, abs=1e-5), w.known, w.used) for w in explanation.words
    ]


def logit(probability: float) -> float:
    return log(probability / (1 - probability))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Predictor]:
    """The small model in all forms that make a difference."""
    found = {}
    for name, gives_logit, truncating in (("pre", False, "pre"), ("post", False, "post"), ("logit", True, "pre")):
        small = write_small_bundle(tmp_path_factory.mktemp(name), gives_logit=gives_logit)
        small.change_manifest(input={**small.manifest()["input"], "truncating": truncating})
        found[name] = predictor(small)
    return found


@pytest.fixture(scope="module")
def ngram_model(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return predictor(write_ngram_bundle(tmp_path_factory.mktemp("ngrams")))


@pytest.mark.parametrize("name", ["pre", "post", "logit"])
def test_each_word_gets_what_it_adds_and_its_place_in_the_text(models: dict[str, Predictor], name: str) -> None:
    text = "The “good”, zyzzyva rare film: don’t!"
    explanation = explain(models[name], text)
    assert marked(text, explanation) == [
        ("The", 0, True, True),
        ("good", 2, True, True),
        ("zyzzyva", 0, False, True),
        ("rare", 0, False, True),
        ("film", 0, True, True),
        ("don’t", -1, True, True),
    ]
    assert explanation.logit == pytest.approx(1, abs=1e-5)
    assert (explanation.baseline, explanation.from_graph) == (0, name == "logit")
    assert explanation.prediction == models[name].predict([text])[0]


def test_the_numbers_to_check_are_given(models: dict[str, Predictor]) -> None:
    explanation = explain(models["logit"], "bad bad bad" + " film" * 6)
    assert explanation.difference == explanation.logit - explanation.baseline
    assert explanation.contribution_sum == pytest.approx(sum(word.contribution for word in explanation.words))
    assert explanation.contribution_sum != pytest.approx(explanation.difference)  # words move in, see below


def test_of_a_text_that_is_too_long_the_beginning_is_not_used_and_moves_in(models: dict[str, Predictor]) -> None:
    text = "zyzzyva bad zyzzyva bad bad" + " film" * 6  # its start id and the first bad are cut
    words = marked(text, explain(models["pre"], text))
    assert words[:5] == [
        ("zyzzyva", 0, False, False),
        ("bad", 0, True, False),
        ("zyzzyva", 0, False, True),
        ("bad", 0, True, True),  # in its place comes the one that was cut
        ("bad", 0, True, True),
    ]
    assert words[5:] == [("film", 2, True, True)] * 6  # in its place comes a bad


def test_of_a_text_that_is_too_long_the_end_is_not_used_where_that_is_cut(models: dict[str, Predictor]) -> None:
    text = "film" + " the" * 6 + " bad zyzzyva good"
    assert marked(text, explain(models["post"], text)) == [
        ("film", 2, True, True),
        *[("the", 2, True, True)] * 6,
        ("bad", 0, True, False),
        ("zyzzyva", 0, False, False),
        ("good", 0, True, False),
    ]


def test_phrases_are_found_with_their_place(models: dict[str, Predictor]) -> None:
    text = "The film (bad, zyzzyva bad!) the film good"
    [phrase] = explain(models["logit"], text).phrases
    assert text[phrase.start : phrase.end] == "bad, zyzzyva bad"
    assert phrase.contribution == pytest.approx(-4)
    assert explain(models["logit"], text, max_phrases=0).phrases == ()


@pytest.mark.parametrize("text", ["zyzzyva", "?!", "좋다 …"])
def test_a_text_without_a_word_that_is_read_is_the_baseline(models: dict[str, Predictor], text: str) -> None:
    explanation = explain(models["logit"], text)
    assert (explanation.logit, explanation.contribution_sum, explanation.phrases) == (explanation.baseline, 0, ())
    assert not any(word.known for word in explanation.words)


# At most eight words: the logit of a probability so near to 1 that float32 cannot tell it from 1 is not exact.
@given(
    st.lists(st.sampled_from(["the", "good", "BAD,", "film", "don’t", "rare", "zyzzyva", "=\u0338", "…"]), max_size=6)
)
def test_a_contribution_is_what_predict_says_without_the_word(models: dict[str, Predictor], words: list[str]) -> None:
    text = " ".join(words)
    for model in models.values():
        explanation = explain(model, text, max_phrases=3)
        assert explanation.logit == pytest.approx(logit(model.predict([text])[0].probability), abs=0.05)
        parts: list[Word | Phrase] = [*explanation.words, *explanation.phrases]
        without = model.predict([text[: part.start] + text[part.end :] for part in parts])
        for part, prediction in zip(parts, without, strict=True):
            assert explanation.logit - part.contribution == pytest.approx(logit(prediction.probability), abs=0.05)
        for word in explanation.words:
            assert word.contribution == 0 or (word.used and text[word.start : word.end] != "zyzzyva")


def test_a_logit_that_no_probability_can_hold_needs_the_graph(tmp_path: Path) -> None:
    coarse = predictor(write_small_bundle(tmp_path / "coarse", bias=30.0))
    exact = predictor(write_small_bundle(tmp_path / "exact", bias=30.0, gives_logit=True))
    assert coarse.predict(["good"])[0].probability == exact.predict(["good"])[0].probability == 1.0
    [blind], [word] = explain(coarse, "good").words, explain(exact, "good").words
    assert (blind.contribution, word.contribution) == (0, 2)
    assert explain(coarse, "good").logit == pytest.approx(16.6355, abs=1e-3)
    assert explain(exact, "good").logit == 32


def test_without_a_word_the_ngrams_are_those_of_the_words_that_are_left(with_ngrams: BundleFolder) -> None:
    text = "don’t the, good film"
    explanation = explain(predictor(with_ngrams), text)
    assert explanation.logit == -1 + 2 + 0.5 + 3  # words, "good film", "the good film"
    assert marked(text, explanation) == [
        ("don’t", -1, True, True),
        ("the", 3 + 4, True, True),  # and "don't good" is one without it
        ("good", 2 + 0.5 + 3, True, True),
        ("film", 0.5 + 3, True, True),
    ]
    assert explanation.contribution_sum != pytest.approx(explanation.difference)


@given(words=st.lists(st.sampled_from(["the", "good", "bad", "film", "don't"]), min_size=1, max_size=6))
def test_of_a_model_with_ngrams_a_contribution_is_what_predict_says_without_the_word(
    ngram_model: Predictor, words: list[str]
) -> None:
    text = " ".join(words)
    explanation = explain(ngram_model, text, max_phrases=3)
    parts: list[Word | Phrase] = [*explanation.words, *explanation.phrases]
    without = ngram_model.predict([text[: part.start] + text[part.end :] for part in parts])
    for part, prediction in zip(parts, without, strict=True):
        assert explanation.logit - part.contribution == pytest.approx(logit(prediction.probability), abs=0.01)


def test_more_words_than_allowed_are_refused(models: dict[str, Predictor]) -> None:
    assert len(explain(models["pre"], "good " * 5, max_words=5).words) == 5
    with pytest.raises(TextTooLongError, match="6 words; at most 5"):
        explain(models["pre"], "good " * 6, max_words=5)


def test_a_graph_that_does_not_give_the_logit_that_is_promised_is_refused(small: BundleFolder) -> None:
    small.change_manifest(output={"name": "probability", "dtype": "float32", "logit": "logit"})
    with pytest.raises(BundleError, match=r"outputs are \['probability'\]"):
        predictor(small)


@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_words_of_real_reviews_contribute_what_predict_says_without_them(imdb_data_dir: Path, precision: str) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    reviews = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text"])["text"].to_pylist()
    model = Predictor.load(open_bundle(MODELS_DIR / "imdb-conv1d" / "1"), precision)
    chance = random.Random(precision)  # noqa: S311
    compared = 0
    for text in chance.sample(reviews, 15):
        explanation = explain(model, text, max_phrases=3)
        assert [explanation.prediction] == model.predict([text])
        parts: list[Word | Phrase] = [*chance.sample(explanation.words, 8), *explanation.phrases]
        without = model.predict([text[: part.start] + text[part.end :] for part in parts])
        for part, prediction in zip(parts, without, strict=True):
            if 0.001 < prediction.probability < 0.999:  # where a float32 says enough of its logit
                assert explanation.logit - part.contribution == pytest.approx(logit(prediction.probability), abs=2e-3)
                compared += 1
    assert compared > 20
