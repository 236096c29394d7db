"""Teachers of whole reviews: linear models and language models of labelled reviews, and the transformer's answers.

What each says is joined by numbers that held-out reviews tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.recipes import TaughtRecipe
from training.taught.joining import fit_joining, joined_logits
from training.taught.questions import Runs
from training.taught.wide import fit_wide
from training.wide_deep.corpus import Corpus
from training.wide_deep.texts import read_lengths
from training.wide_deep.wide import Wide, model_scores

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

EVERY_NGRAM = 10**9


def fit_review_models(recipe: TaughtRecipe, texts: Sequence[Ints], labels: Ints) -> Wide:
    """Fit two regressions and the language models on labelled reviews and their crops, keeping every n-gram.

    Args:
        recipe: all choices.
        texts: token ids of reviews.
        labels: theirs, int64[n].
    """
    return fit_wide(replace(recipe, max_ngrams=EVERY_NGRAM), Corpus(texts), labels)


def run_scores(runs: Runs, logits: NDArray[np.float16], reviews: int) -> Floats:
    """Sum up what the transformer says of a review's runs, float64[reviews, 4].

    The columns are the means of both heads over the runs and both heads on the last run; 0 for a review without runs.

    Args:
        runs: of all reviews.
        logits: of each run, [runs, 2].
        reviews: how many there are.
    """
    values = np.asarray(logits, np.float64)
    counts = np.maximum(np.bincount(runs.reviews, minlength=reviews), 1)
    means = [np.bincount(runs.reviews, column, reviews) / counts for column in values.T]
    last = np.zeros((reviews, 2))
    last[runs.reviews] = values  # of several the last stays
    return np.column_stack([*means, last])


@dataclass(frozen=True)
class ReviewTeacher:
    """The teachers of whole reviews, joined.

    Attributes:
        recipe: that they were fitted by.
        models: linear models and language models.
        numbers: that join their scores by the length of a review (see `joined_logits`).
    """

    recipe: TaughtRecipe
    models: Wide
    numbers: Floats

    def probabilities(self, texts: Sequence[Ints], transformer: Floats) -> Floats:
        """Compute how likely each review is positive, float64[n].

        Args:
            texts: token ids of reviews.
            transformer: scores of their runs, as `run_scores` gives them.
        """
        scores = np.column_stack([model_scores(self.recipe, self.models, texts), transformer])
        logits = joined_logits(self.numbers, scores, read_lengths(self.recipe, texts))
        return np.asarray(expit(logits), np.float64)


def join_review_teacher(
    recipe: TaughtRecipe, models: Wide, texts: Sequence[Ints], transformer: Floats, labels: Ints
) -> ReviewTeacher:
    """Join the teachers by reviews that none of them was fitted on."""
    scores = np.column_stack([model_scores(recipe, models, texts), transformer])
    lengths = read_lengths(recipe, texts)
    return ReviewTeacher(recipe, models, fit_joining(scores, lengths, labels, np.ones(len(labels))))
