"""Fit models of whole reviews: regressions on reviews and on crops of them, and language models."""

import numpy as np
from numpy.typing import NDArray

from training.recipes import TaughtRecipe
from training.wide_deep.corpus import Corpus, random_crops
from training.wide_deep.features import frequent_features, presence
from training.wide_deep.language_models import language_model_ratios
from training.wide_deep.linear import fit_linear, log_count_ratios
from training.wide_deep.wide import Wide, by_order, most_telling


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
    weights = np.column_stack([of_crops.weights, of_reviews.weights, by_order(features, language)])
    kept = most_telling(np.column_stack([of_crops.weights, of_reviews.weights, language]), counts, features, recipe)
    biases = np.array([of_crops.bias, of_reviews.bias, *[0.0] * recipe.max_order])
    return Wide(features.kept(kept), weights[kept], biases)
