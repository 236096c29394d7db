"""Fitting both paths, and joining them by what held-out reviews say."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from training.recipes import WideDeepRecipe
from training.repeatable import make_repeatable
from training.trained import History
from training.wide_deep.corpus import Corpus, Ints, random_crops
from training.wide_deep.deep import START_ID, deep_logits, fit_deep
from training.wide_deep.features import Floats
from training.wide_deep.form import in_16_bits
from training.wide_deep.joining import fit_joining, joined_logits
from training.wide_deep.network import WIDE_COLUMNS, build_whole
from training.wide_deep.wide import Wide, fit_wide
from training.wide_deep.word_vectors import word_vectors

WHOLE_WEIGHT = 3.0
"""What a whole review counts for when the paths are joined; a crop counts for 1."""

Texts = Sequence[Sequence[int] | Ints] | NDArray[np.object_]
"""Token ids of texts, the start id first."""


@dataclass(frozen=True)
class Paths:
    """Both paths, trained."""

    recipe: WideDeepRecipe
    wide: Wide
    deep: keras.Model
    history: History

    def scores(self, texts: Texts) -> Floats:
        """Compute what each model says of each text, the deep path first: float64[texts, scores]."""
        cut = read_ids(self.recipe, texts)
        deep = deep_logits(self.deep, cut, self.recipe.ids_per_batch)
        return np.column_stack([deep.astype(np.float64), self.wide.scores(Corpus(cut), self.recipe.num_words)])


def fit_paths(recipe: WideDeepRecipe, texts: Texts, labels: NDArray[np.int64]) -> Paths:
    """Fit each path by itself.

    Args:
        recipe: all choices.
        texts: training reviews.
        labels: theirs, int64[n].
    """
    make_repeatable(recipe.seed)
    corpus = Corpus(texts)
    print(f"Word vectors from {len(texts):,} reviews")
    vectors = word_vectors(corpus, recipe.num_words, recipe.embedding_dim, recipe.vector_window, recipe.seed)
    wide = fit_wide(recipe, corpus, labels)
    deep, history = fit_deep(recipe, corpus, labels, vectors)
    return Paths(recipe, wide, deep, history)


@dataclass(frozen=True)
class JoinedPaths:
    """Both paths, joined.

    Attributes:
        paths: trained.
        numbers: that join their scores (see `joined_logits`), [scores + 1, 3].
    """

    paths: Paths
    numbers: Floats

    def logits(self, texts: Texts) -> Floats:
        """Compute the logit of each text, float64[n]."""
        return joined_logits(self.numbers, self.paths.scores(texts), read_lengths(self.paths.recipe, texts))


def join(paths: Paths, texts: Texts, labels: NDArray[np.int64]) -> Floats:
    """Fit the numbers that join the paths' scores (see `joined_logits`) on reviews that no path was fitted on.

    Args:
        paths: fitted on other reviews.
        texts: held-out reviews.
        labels: theirs, int64[n].
    """
    recipe, corpus = paths.recipe, Corpus(texts)
    crops = random_crops(corpus, *recipe.judged_crops, recipe.wide_crop_words, np.random.default_rng(recipe.seed))
    parts = [np.concatenate([[START_ID], part]) for part in corpus.cut(crops.begins, crops.lengths)]
    judged = [*texts, *parts]
    weights = np.where(np.arange(len(judged)) < len(texts), WHOLE_WEIGHT, 1.0)
    lengths = read_lengths(recipe, judged)
    return fit_joining(paths.scores(judged), lengths, np.concatenate([labels, labels[crops.texts]]), weights)


def read_ids(recipe: WideDeepRecipe, texts: Texts) -> list[Ints]:
    """Return the token ids that are read of each text: its last ones, where it has more."""
    return [np.asarray(text[-recipe.maxlen :], np.int64) for text in texts]


def read_lengths(recipe: WideDeepRecipe, texts: Texts) -> Ints:
    """Token ids that are read of each text, int64[n]."""
    return np.minimum([len(text) for text in texts], recipe.maxlen)


def whole_network(joined: JoinedPaths) -> tuple[keras.Model, Ints]:
    """Build one network of both paths; return it with the keys of its n-grams.

    What the joining makes of an n-gram's scores is linear in them, so that it is worked into the n-grams' weights.

    Returns:
        The network, and the keys of all n-grams of two and more words, int64[n], rising, as `NgramTable` wants them.
    """
    paths, numbers = joined.paths, joined.numbers
    recipe, wide = paths.recipe, paths.wide
    words, *ngrams = wide.features.keys
    keys = np.sort(np.concatenate(ngrams))
    rows = np.searchsorted(keys, np.concatenate(ngrams)) + recipe.num_words
    table = np.zeros((recipe.num_words + len(keys), WIDE_COLUMNS))
    table[np.concatenate([words, rows]), :3] = wide.weights @ numbers[1:-1]
    table[1 : recipe.num_words, 3] = 1
    rounded, steps = in_16_bits(table)
    model = build_whole(recipe, paths.deep, len(table))
    model.get_layer("ngram_sums").set_weights([rounded * steps])
    model.get_layer("logit").set_weights([np.stack([numbers[0], numbers[-1] + wide.biases @ numbers[1:-1]])])
    return model, keys
