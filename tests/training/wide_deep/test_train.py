"""From reviews to graphs: what is measured on held-out reviews, and a run that is resumed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from tests.training.conftest import REVIEWS, TINY_WIDE, ragged
from training.data.data_set import Split
from training.evaluate import Answers
from training.trained import Trained
from training.wide_deep import fit as fit_module
from training.wide_deep import train as train_module
from training.wide_deep.deep import padded
from training.wide_deep.fit import Paths, Texts
from training.wide_deep.held_out import held_out_split
from training.wide_deep.train import ShortTexts, TrainingReviews, cross_validate, train_wide_deep

HELD_OUT = round(REVIEWS * TINY_WIDE.validation_share)


def short_texts(reviews: Split) -> dict[str, ShortTexts]:
    """The first words of every review."""
    starts = [[1, *review[1:6]] for review in reviews[0]]
    return {"beginnings": ShortTexts(starts, reviews[1], np.arange(REVIEWS))}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def trained(paths: Paths, reviews: Split, run_dir: Path) -> Trained:
    """A run; the paths that it would fit on all reviews are the ones that are there already."""
    with pytest.MonkeyPatch.context() as patch:
        fitted = []

        def fit_paths(_: Any, texts: NDArray[np.object_], labels: NDArray[np.int64]) -> Paths:
            fitted.append((list(texts), labels.tolist()))
            return paths

        patch.setattr(train_module, "fit_paths", fit_paths)
        trained = train_wide_deep(TINY_WIDE, TrainingReviews(*reviews, short_texts(reviews)), run_dir)
    kept = held_out_split(TINY_WIDE, reviews[1])[0]
    assert fitted == [  # first to judge, then whole
        (list(reviews[0][kept]), reviews[1][kept].tolist()),
        (list(reviews[0]), reviews[1].tolist()),
    ]
    return trained


def test_a_run_gives_all_graphs_and_their_ngrams(trained: Trained) -> None:
    assert list(trained.graphs.by_precision) == ["reference", "float32", "int8"]
    ngrams = trained.graphs.ngrams
    assert ngrams is not None
    assert (ngrams.name, ngrams.max_order) == ("ngram_ids", TINY_WIDE.max_order)
    for graph in trained.graphs.by_precision.values():
        assert [one.name for one in graph.graph.input] == ["token_ids", "ngram_ids"]
    outputs = [output.name for output in trained.graphs.by_precision["reference"].graph.output]
    assert outputs[:4] == ["probability", "conv1", "conv2", "conv3"]
    assert set(outputs[4:]) == {f"{name}_{part}" for name in outputs[1:4] for part in ("kernel", "bias", "vectors")}


@pytest.mark.parametrize(("precision", "tolerance"), [("reference", 2e-6), ("float32", 2e-6), ("int8", 0.2)])
def test_the_graphs_answer_as_the_network_predicts(
    trained: Trained, reviews: Split, precision: str, tolerance: float
) -> None:
    predicted = trained.predict(reviews[0])
    ngrams = trained.graphs.ngrams
    assert ngrams is not None
    token_ids = padded([np.asarray(review[-TINY_WIDE.maxlen :]) for review in reviews[0]])
    table = NgramTable(ngrams.keys, ngrams.max_order, TINY_WIDE.num_words)
    graph = trained.graphs.by_precision[precision].SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feeds = {"token_ids": token_ids, "ngram_ids": table.look_up(token_ids)}
    found = session.run(["probability"], feeds)[0].ravel()
    np.testing.assert_allclose(found, predicted, rtol=0, atol=tolerance)
    assert np.ptp(predicted) > 0.3


def test_predictions_come_in_order_and_of_the_last_ids_alone(trained: Trained) -> None:
    texts = [[1, 5], [7] * 100, [1, *[9, 8] * 5], [7] * TINY_WIDE.maxlen]
    together = trained.predict(ragged(texts))
    alone = [trained.predict(ragged([text]))[0] for text in texts]
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert together[1] == pytest.approx(together[3], abs=1e-6)


def test_held_out_reviews_and_the_short_texts_out_of_them_are_measured(trained: Trained) -> None:
    assert trained.held_out is not None
    assert trained.held_out["reviews"] == HELD_OUT
    assert list(trained.held_out["short_texts"]) == ["beginnings"]
    assert trained.held_out["short_texts"]["beginnings"]["reviews"] == HELD_OUT
    assert {name: len(values) for name, values in trained.history.items()} == {"accuracy": 2, "loss": 2}


def test_a_run_that_is_there_already_is_not_fitted_again(
    trained: Trained, reviews: Split, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fitted_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(train_module, "fit_paths", fitted_again)
    monkeypatch.setattr(train_module, "wide_deep_graphs", lambda *_: trained.graphs)  # spares the conversion
    resumed = train_wide_deep(TINY_WIDE, TrainingReviews(*reviews), run_dir)
    assert (resumed.history, resumed.held_out) == (trained.history, trained.held_out)
    np.testing.assert_array_equal(resumed.predict(reviews[0]), trained.predict(reviews[0]))


class Naming:
    """Paths whose score of a text is the number of the review that it is from, which its first word tells."""

    recipe = TINY_WIDE

    def scores(self, texts: Texts) -> NDArray[np.float64]:
        return np.array([[text[1] - 3] for text in texts], np.float64)


def test_no_text_is_judged_by_numbers_that_its_review_had_a_part_in(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ragged([[1, 3 + number, 5] for number in range(REVIEWS)])
    labels = np.arange(REVIEWS) % 2
    told: list[set[float]] = []

    def join(paths: Naming, reviews: NDArray[np.object_], of: NDArray[np.int64]) -> set[float]:
        told.append(set(paths.scores(reviews).ravel().tolist()))
        assert of.tolist() == [number % 2 for number in paths.scores(reviews).ravel()]
        return told[-1]

    def joined_logits(numbers: set[float], scores: NDArray[np.float64], _: object) -> NDArray[np.float64]:
        return np.array([100.0 if score in numbers else 0.01 * score for score in scores[:, 0]])

    monkeypatch.setattr(train_module, "join", join)
    monkeypatch.setattr(fit_module, "joined_logits", joined_logits)
    held_out = np.arange(1, REVIEWS, 3)
    twice = np.repeat(np.arange(REVIEWS), 2)
    short = ShortTexts(ragged([texts[number] for number in twice]), labels[twice], twice)
    reviews = TrainingReviews(texts, labels, {"twice": short})
    judged = train_module._held_out_answers(Naming(), reviews, held_out)  # type: ignore[arg-type]
    assert sorted(told[0] | told[1]) == held_out.tolist()
    assert not told[0] & told[1]
    assert min(len(half) for half in told) > len(held_out) / 4
    assert list(judged) == ["", "twice"]
    for answers, numbers in zip(judged.values(), (held_out, np.repeat(held_out, 2)), strict=True):
        np.testing.assert_allclose(answers.probabilities, 1 / (1 + np.exp(-0.01 * numbers)))
        assert answers.labels.tolist() == (numbers % 2).tolist()


def test_in_folds_every_review_is_judged_once_by_paths_that_did_not_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reviews = ragged([[1, 3 + number] for number in range(30)]), np.arange(30) % 2
    fitted: list[list[int]] = []

    def fit_paths(_: Any, texts: NDArray[np.object_], labels: NDArray[np.int64]) -> list[int]:
        fitted.append([text[1] - 3 for text in texts])
        assert labels.tolist() == [number % 2 for number in fitted[-1]]
        return fitted[-1]

    def answers(paths: list[int], _: TrainingReviews, held_out: NDArray[np.int64]) -> dict[str, Answers]:
        assert sorted([*paths, *held_out]) == list(range(30))
        right = np.where(held_out < 6, 1 - held_out % 2, held_out % 2)  # but for the first six
        whole = Answers(right.astype(np.float64), held_out % 2, np.ones(len(held_out), np.int64))
        return {"": whole, "none right": replace(whole, probabilities=(1 - held_out % 2).astype(np.float64))}

    monkeypatch.setattr(train_module, "fit_paths", fit_paths)
    monkeypatch.setattr(train_module, "_held_out_answers", answers)
    measured = cross_validate(TINY_WIDE, TrainingReviews(*reviews), 3)
    assert [len(numbers) for numbers in fitted] == [20, 20, 20]
    assert (measured["reviews"], measured["accuracy"]) == (30, 0.8)
    assert measured["short_texts"]["none right"]["accuracy"] == 0
