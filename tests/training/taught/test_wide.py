"""Models of whole reviews."""

import numpy as np

from tests.training.conftest import opinions
from tests.training.taught.conftest import TINY_TAUGHT
from training.taught.wide import fit_wide
from training.wide_deep.corpus import Corpus


def test_the_fitted_models_have_a_column_each() -> None:
    texts = opinions(80, 1)
    labels = texts.targets.astype(np.int64)
    wide = fit_wide(TINY_TAUGHT, Corpus(texts.token_ids), labels)
    assert wide.weights.shape == (wide.features.bounds[-1], 2 + TINY_TAUGHT.max_order)
    ngrams = (wide.features.orders > 0).sum()
    assert 0 < ngrams <= TINY_TAUGHT.max_ngrams
    for order in range(TINY_TAUGHT.max_order):  # a language model's column has weights of its own order alone
        column = wide.weights[:, 2 + order]
        assert not column[wide.features.orders != order].any()
        assert column[wide.features.orders == order].any()
    assert not wide.biases[2:].any()
    of_reviews = wide.scores(Corpus(texts.token_ids), TINY_TAUGHT.num_words)[:, 1]
    assert np.mean((of_reviews > 0) == labels) > 0.8  # it was fitted on them
