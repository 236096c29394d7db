"""Join the network with models of n-grams, by the length of a text.

They err differently. The models' weights are of the same n-grams as the network's, so that both become one table. How
much each counts is told by texts that neither has learnt from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from service.inference.ngrams import NgramTable
from training.recipes import NetworkRecipe
from training.wide_deep.batches import batches_of_like_length, padded
from training.wide_deep.corpus import Corpus
from training.wide_deep.graphs import network_probabilities
from training.wide_deep.lengths import length_powers
from training.wide_deep.network import WIDE_COLUMNS
from training.wide_deep.student import ngram_table, whole_network
from training.wide_deep.texts import read_ids, read_lengths
from training.wide_deep.wide import Wide, model_scores

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PENALTY = 1e-5


@dataclass(frozen=True)
class Parts:
    """The parts that are joined.

    Attributes:
        recipe: of the network.
        student: trained.
        keys: of the student's n-grams, int64[n], rising.
        models: of n-grams.
    """

    recipe: NetworkRecipe
    student: keras.Model
    keys: Ints
    models: Wide

    def terms(self, texts: Sequence[Ints]) -> Floats:
        """Compute what the numbers that join the parts are multiplied with, float64[texts, 7 + 3 models].

        They are the network's logit; its convolutions' part, the models' scores and 1, each times the powers of the
        length.

        Args:
            texts: token ids of each.
        """
        powers = length_powers(read_lengths(self.recipe, texts))
        logits, convolutions = self._network(texts)
        scores = np.column_stack([convolutions, model_scores(self.recipe, self.models, texts), np.ones(len(texts))])
        by_length = (scores[:, :, None] * powers[:, None]).reshape(len(texts), -1)
        return np.column_stack([logits, by_length])

    def _network(self, texts: Sequence[Ints]) -> tuple[Floats, Floats]:
        """Compute the network's logits, and what its convolutions give before n-grams and length: float64[n] each."""
        table = NgramTable(self.keys, self.recipe.max_order, self.recipe.num_words)
        probe = keras.Model(self.student.inputs, [self.student.output, self.student.get_layer("deep_logit").output])
        read = read_ids(self.recipe, texts)
        values = np.zeros((len(read), 2))
        for rows in batches_of_like_length(read, self.recipe.ids_per_batch):
            batch = padded([read[row] for row in rows])
            values[rows] = np.column_stack([np.asarray(part)[:, 0] for part in probe([batch, table.look_up(batch)])])
        return values[:, 0], values[:, 1]


def fit_numbers(terms: Floats, targets: Floats, weights: Floats) -> Floats:
    """Fit the numbers that join the parts by the least log loss; the problem is convex.

    Args:
        terms: as `Parts.terms` gives them.
        targets: probability of positive of each text.
        weights: of each text.
    """
    sizes = terms.std(axis=0)
    sizes[sizes <= 1e-9 * np.abs(terms).max(axis=0)] = 1
    scaled = terms / sizes

    def loss(numbers: Floats) -> tuple[float, Floats]:
        logits = scaled @ numbers
        total = (weights * (np.logaddexp(0, logits) - targets * logits)).sum() / weights.sum()
        gradient = scaled.T @ (weights * (expit(logits) - targets)) / weights.sum()
        return float(total + PENALTY * numbers @ numbers), gradient + 2 * PENALTY * numbers

    result = minimize(loss, np.zeros(terms.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 800})
    return np.asarray(result.x / sizes, np.float64)


@dataclass(frozen=True)
class WorthIn:
    """Texts that tell how much an n-gram is worth.

    Attributes:
        corpus: in which n-grams are counted.
        length: logarithm of the length over the usual one, at which their weights are taken.
    """

    corpus: Corpus
    length: float


def joined_network(parts: Parts, numbers: Floats, worth_in: Sequence[WorthIn]) -> tuple[keras.Model, Ints]:
    """Work both parts and the numbers that join them into one network.

    Args:
        parts: to join.
        numbers: as `fit_numbers` gives them.
        worth_in: texts that tell which n-grams are kept.

    Returns:
        The network to export, and the keys of its n-grams, int64[n], rising.
    """
    recipe, models = parts.recipe, parts.models
    of_logit, of_convolutions, of_models, offset = numbers[0], numbers[1:4], numbers[4:-3].reshape(-1, 3), numbers[-3:]
    inner = parts.student.get_layer("learnt_join").get_weights()[0]
    by_length = np.stack(
        [of_logit * inner[0] + of_convolutions, of_logit * inner[1] + offset + models.biases @ of_models]
    )
    words, *ngrams = models.features.keys
    weights = models.weights @ of_models
    keys = np.unique(np.concatenate([parts.keys, *ngrams]))
    table = np.zeros((recipe.num_words + len(keys), WIDE_COLUMNS))
    rows = np.concatenate([np.arange(recipe.num_words), recipe.num_words + np.searchsorted(keys, parts.keys)])
    table[rows] = of_logit * ngram_table(parts.student)
    rows = np.concatenate([words, recipe.num_words + np.searchsorted(keys, np.concatenate(ngrams))])
    table[rows, :-1] += weights
    kept = np.sort(most_worth(table[recipe.num_words :, :-1], keys, recipe, worth_in)[: recipe.kept_ngrams])
    table = np.concatenate([table[: recipe.num_words], table[recipe.num_words + kept]])
    return whole_network(recipe, parts.student, table, by_length), keys[kept]


def joined_logits(recipe: NetworkRecipe, network: keras.Model, keys: Ints, texts: Sequence[Ints]) -> Floats:
    """Compute the logits of a joined network, float64[texts].

    Args:
        recipe: of the network.
        network: as `joined_network` gives it.
        keys: of its n-grams.
        texts: token ids of each.
    """
    logits = keras.Model(network.inputs, network.get_layer("logit").output)
    table = NgramTable(keys, recipe.max_order, recipe.num_words)
    return np.asarray(network_probabilities(logits, table, recipe, texts), np.float64)


def with_what_is_left_out(
    parts: Parts, numbers: Floats, worth_in: Sequence[WorthIn], texts: Sequence[Ints], terms: Floats
) -> Floats:
    """Add to the offset, by the length, what the n-grams that are not kept say of unseen texts on average.

    Those kept are told by texts that were learnt from, in which rare n-grams lean another way than in others.

    Args:
        parts: to join.
        numbers: as `fit_numbers` gives them.
        worth_in: texts that tell which n-grams are kept.
        texts: token ids of texts that were not learnt from.
        terms: as `Parts.terms` gives them for these.
    """
    network, keys = joined_network(parts, numbers, worth_in)
    lost = terms @ numbers - joined_logits(parts.recipe, network, keys, texts)
    powers = length_powers(read_lengths(parts.recipe, texts))
    return np.append(numbers[:-3], numbers[-3:] + np.linalg.lstsq(powers, lost)[0])


def most_worth(weights: Floats, keys: Ints, recipe: NetworkRecipe, worth_in: Sequence[WorthIn]) -> Ints:
    """Order n-grams by how much they change answers, most first: their numbers, int64[n].

    Args:
        weights: by the powers of the length, [n, 3].
        keys: of the n-grams, rising.
        recipe: of the network.
        worth_in: texts, each kind of which counts as much.
    """
    worth = np.zeros(len(keys))
    for texts in worth_in:
        found = np.concatenate(texts.corpus.ngram_keys(recipe.max_order, recipe.num_words)[1:])
        place = np.minimum(np.searchsorted(keys, found), len(keys) - 1)
        counts = np.bincount(place[keys[place] == found], minlength=len(keys))
        effects = counts * (weights @ [1, texts.length, texts.length**2]) ** 2
        worth += effects / max(effects.sum(), 1e-300)
    return np.argsort(-worth, kind="stable")
