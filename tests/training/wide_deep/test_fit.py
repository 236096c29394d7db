"""Both paths worked into one network, and what is held out to join them."""

import numpy as np
import pytest

from service.inference.ngrams import NgramTable
from tests.training.conftest import REVIEWS, TINY_WIDE
from tests.training.wide_deep.conftest import NUMBERS, Whole, texts_of_every_length, whole_of
from training.data.data_set import Split
from training.wide_deep import fit as fit_module
from training.wide_deep.deep import padded
from training.wide_deep.fit import Paths, join, read_lengths
from training.wide_deep.joining import joined_logits


def cut_reviews(reviews: Split) -> list[list[int]]:
    return [review[-TINY_WIDE.maxlen :] for review in reviews[0]]


def test_lengths_are_those_of_what_is_read() -> None:
    assert read_lengths(TINY_WIDE, [[1], [1] * 40, [1] * 41]).tolist() == [1, 40, 40]


def test_the_scores_of_a_text_are_its_own_whatever_is_asked_with_it(paths: Paths, reviews: Split) -> None:
    some = [*reviews[0][:20], [1, 5, 6]]
    assert any(len(review) > TINY_WIDE.maxlen for review in some)
    together = paths.scores(some)
    assert together.shape == (21, 1 + 2 + TINY_WIDE.max_order)
    np.testing.assert_allclose(together, np.concatenate([paths.scores([text]) for text in some]), atol=1e-5)


def test_the_network_says_what_joining_says_of_the_paths_scores(
    paths: Paths, reviews: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "in_16_bits", lambda table: (table, np.ones(4)))
    exact = whole_of(paths, NUMBERS)
    texts = [*reviews[0], *texts_of_every_length(), [1, *range(3, 50)] * 2]
    expected = joined_logits(NUMBERS, paths.scores(texts), read_lengths(TINY_WIDE, texts))
    rows = padded([np.asarray(text[-TINY_WIDE.maxlen :]) for text in texts])
    found = exact.answers(rows, "logit")
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    assert np.ptp(expected) > 1


def test_rounding_ngrams_to_16_bits_costs_no_more_than_half_a_step_each(
    paths: Paths, whole: Whole, reviews: Split
) -> None:
    table = whole.model.get_layer("ngram_sums").get_weights()[0]
    steps = np.abs(table[:, :3]).max(axis=0) / 32_767
    texts = cut_reviews(reviews)
    lengths = read_lengths(TINY_WIDE, texts)
    u = np.log(np.clip(lengths, 4, 800) / 30)
    ngrams = (whole.table.look_up(padded([np.array(text) for text in texts])) > 0).sum(axis=1)
    allowed = ngrams * (steps @ np.stack([np.ones_like(u), np.abs(u), u * u])) / 2
    expected = joined_logits(NUMBERS, paths.scores(texts), lengths)
    assert (
        np.abs(whole.answers(padded([np.array(text) for text in texts]), "logit") - expected) <= allowed + 1e-5
    ).all()


def test_the_keys_are_those_of_the_ngrams_that_weights_were_kept_of(paths: Paths, whole: Whole) -> None:
    kept = paths.wide.features.keys
    assert whole.keys.tolist() == [*kept[1].tolist(), *kept[2].tolist()]
    assert (
        NgramTable(whole.keys, 3, TINY_WIDE.num_words).last_id
        == len(whole.model.get_layer("ngram_sums").get_weights()[0]) - 1
    )


def test_joining_lessens_the_log_loss_of_what_it_is_told(paths: Paths, reviews: Split) -> None:
    texts, labels = reviews
    numbers = join(paths, texts, labels)
    assert numbers.shape == (1 + 2 + TINY_WIDE.max_order + 1, 3)
    logits = joined_logits(numbers, paths.scores(texts), read_lengths(TINY_WIDE, texts))
    assert np.logaddexp(0, (1 - 2 * labels) * logits).mean() < 0.7 * np.log(2)
    assert len(labels) == REVIEWS
