"""The wide path: what each n-gram says of a text, as several models see it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.recipes import TaughtRecipe
from training.taught.language_models import language_model_ratios
from training.wide_deep.corpus import Corpus, random_crops
from training.wide_deep.features import Features, Floats, frequent_features, presence
from training.wide_deep.linear import fit_linear, log_count_ratios


@dataclass(frozen=True)
class Wide:
    """N-grams, and the columns of their weights.

    The columns are the models' scores: the regression on crops, that on whole reviews, and the language models, which
    have a column for each order.

    Attributes:
        features: the n-grams; words are all there.
        weights: float64[features, 2 + orders].
        biases: float64[2 + orders].
    """

    features: Features
    weights: Floats
    biases: Floats

    def scores(self, corpus: Corpus, num_words: int) -> Floats:
        """Score each text, float64[texts, columns]; an n-gram counts as often as it occurs."""
        sums = np.zeros((len(corpus.token_ids) + 1, self.weights.shape[1]))
        weights = np.append(self.weights, np.zeros((1, self.weights.shape[1])), axis=0)  # the last is that of none, -1
        for found in self.features.at(corpus, num_words):
            # An n-gram stands at its first id, and none reaches into the next text.
            sums[1:] += weights[found]
        sums = np.cumsum(sums, axis=0)
        scores: Floats = sums[corpus.starts + corpus.lengths] - sums[corpus.starts] + self.biases
        return scores


def fit_wide(recipe: TaughtRecipe, corpus: Corpus, labels: NDArray[np.int64]) -> Wide:
    """Fit the models on training reviews, and keep the weights that matter most.

    Args:
        recipe: all choices.
        corpus: the reviews.
        labels: theirs.
    """
    features = frequent_features(corpus, recipe.num_words, recipe.max_order, recipe.min_reviews)
    at, total = features.at(corpus, recipe.num_words), features.bounds[-1]
    print(f"{total:,} n-grams are in at least {recipe.min_reviews} reviews")
    whole = presence(at, corpus.starts, corpus.lengths, total)
    ratios = log_count_ratios(whole, labels)
    of_reviews = fit_linear(whole, labels, ratios, recipe.review_strength)
    crops = random_crops(corpus, *recipe.wide_crops, recipe.wide_crop_words, np.random.default_rng(recipe.seed))
    parts = presence(
        at,
        np.concatenate([corpus.starts, crops.begins]),
        np.concatenate([corpus.lengths, crops.lengths]),
        total,
    )
    print(f"Weighing them in {parts.shape[0]:,} reviews and parts of reviews")
    tempered = np.sign(ratios) * np.abs(ratios) ** recipe.crop_power
    of_crops = fit_linear(parts, np.concatenate([labels, labels[crops.texts]]), tempered, recipe.crop_strength)
    language, counts = language_model_ratios(features, at, labels[corpus.text_of], recipe.priors, recipe.num_words)
    # One column of ratios for each order, as an order's language model is a score of its own.
    by_order = np.where(features.orders[:, None] == np.arange(recipe.max_order), language[:, None], 0)
    weights = np.column_stack([of_crops.weights, of_reviews.weights, by_order])
    kept = most_telling(np.column_stack([of_crops.weights, of_reviews.weights, language]), counts, features, recipe)
    biases = np.array([of_crops.bias, of_reviews.bias, *[0.0] * recipe.max_order])
    return Wide(features.kept(kept), weights[kept], biases)


def most_telling(weights: Floats, counts: Floats, features: Features, recipe: TaughtRecipe) -> NDArray[np.bool_]:
    """Select the features to keep: all words, and the n-grams whose weights change most answers most, bool[features].

    Args:
        weights: [features, models].
        counts: how often each feature occurs.
        features: all of them.
        recipe: how many n-grams.
    """
    effects = counts[:, None] * weights**2
    worth = (effects / effects.mean(axis=0)).sum(axis=1)
    kept: NDArray[np.bool_] = features.orders == 0
    order = np.argsort(-np.where(kept, -1, worth), kind="stable")[: recipe.max_ngrams]
    kept[order[~kept[order]]] = True
    return kept
