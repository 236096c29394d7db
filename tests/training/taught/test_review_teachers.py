"""Teachers of whole reviews, joined."""

import numpy as np

from tests.training.conftest import opinions
from tests.training.taught.conftest import TINY_TAUGHT
from training.taught.questions import Runs
from training.taught.review_teachers import fit_review_models, join_review_teacher, run_scores
from training.wide_deep.wide import model_scores


def test_runs_are_summed_up_by_review() -> None:
    runs = Runs(["a", "b", "c"], np.array([0, 0, 2]))
    scores = run_scores(runs, np.array([[1, 2], [3, 6], [-1, 0]], np.float16), 3)
    np.testing.assert_allclose(scores, [[2, 4, 3, 6], [0, 0, 0, 0], [-1, 0, -1, 0]])


def test_joined_teachers_know_reviews_that_they_did_not_see() -> None:
    fitted, held_out, others = (opinions(120, seed) for seed in (1, 2, 3))
    models = fit_review_models(TINY_TAUGHT, fitted.token_ids, fitted.targets.astype(np.int64))
    assert model_scores(TINY_TAUGHT, models, held_out.token_ids).shape == (120, 2 + TINY_TAUGHT.max_order)
    transformer = np.random.default_rng(4).normal(0, 1, (120, 4))  # it knows nothing
    teacher = join_review_teacher(
        TINY_TAUGHT, models, held_out.token_ids, transformer, held_out.targets.astype(np.int64)
    )
    probabilities = teacher.probabilities(others.token_ids, transformer)
    inside = np.array([len(text) <= TINY_TAUGHT.maxlen for text in others.token_ids])
    assert ((probabilities >= 0.5) == others.targets)[inside].mean() > 0.85
