"""The regression on n-grams of characters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.rated.conftest import GOOD, LABELLED, RATED, TINY_RATED
from training.data.nsmc import RawSplit
from training.rated.linear_teacher import linear_answers
from training.rated.sources import RatedSources, read_sources
from training.wide_deep import wide


@pytest.fixture
def sources(nsmc_folder: Path) -> RatedSources:
    return read_sources(nsmc_folder, TINY_RATED.validation_share)


def answers(sources: RatedSources, nsmc_folder: Path) -> np.ndarray:
    data = TINY_RATED.data_set.load(nsmc_folder, TINY_RATED.num_words)
    return linear_answers(TINY_RATED, sources, data.encode(sources.texts))


def test_it_learns_labels_and_answers_every_text(
    sources: RatedSources, nsmc_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide, "PART", 50)
    logits = answers(sources, nsmc_folder)
    assert logits.shape == (LABELLED + RATED,)
    assert np.mean([(logit > 0) == (GOOD in text) for logit, text in zip(logits, sources.texts, strict=True)]) > 0.9


def test_the_labels_of_held_out_reviews_change_nothing(sources: RatedSources, nsmc_folder: Path) -> None:
    labels = sources.labelled.labels.copy()
    labels[sources.held_out] = 1 - labels[sources.held_out]
    others = replace(sources, labelled=RawSplit(sources.labelled.texts, labels))
    np.testing.assert_array_equal(answers(others, nsmc_folder), answers(sources, nsmc_folder))
