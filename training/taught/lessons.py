"""Put together what the network learns in an epoch: texts labelled by people, and texts labelled by teachers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from service.inference.tokenizers import START_ID
from training.recipes import TaughtRecipe
from training.taught.treebank import NEUTRAL
from training.wide_deep.corpus import Corpus, random_crops
from training.wide_deep.texts import Ints, Texts, together, weighted

LABELS = (0, 1, 2, 3, 4)
PROBABILITIES = (0.0, 0.03, 0.5, 0.97, 1.0)
"""Probability of positive that stands for each label of the treebank."""

SHARPNESS = 1.5
"""Factor for the logits of the sentence head, whose training labels were softened (`phrase_examples`)."""

Encode = Callable[[Sequence[str]], list[Ints]]


@dataclass(frozen=True)
class Lessons:
    """Everything that the network learns from.

    Attributes:
        recipe: what counts for how much.
        reviews: labelled by people.
        soft_reviews: labelled by the teachers of whole reviews.
        opinions: of the treebank.
        neutral: neutral phrases of the treebank.
        answered: runs, words, n-grams, variants of sentences, and clauses, labelled by the transformer.
    """

    recipe: TaughtRecipe
    reviews: Texts
    soft_reviews: Texts
    opinions: Texts
    neutral: Texts
    answered: Texts

    def epoch(self, number: int) -> Texts:
        """Draw the texts of an epoch; the same number gives the same texts.

        The last epochs are of short texts alone.
        """
        random = np.random.default_rng((self.recipe.seed, number, 1))
        soft = random.permutation(len(self.soft_reviews.token_ids))[: self.recipe.unlabelled_reviews]
        texts = together([self.by_people(number), self.soft_reviews.some(np.sort(soft)), self.answered])
        if number < self.recipe.epochs:
            return texts
        lengths = np.array([len(ids) for ids in texts.token_ids])
        return texts.some(np.flatnonzero(lengths <= self.recipe.short_ids))

    def by_people(self, number: int) -> Texts:
        """Draw those of them that people labelled: reviews and their crops, and phrases of the treebank."""
        recipe, random = self.recipe, np.random.default_rng((self.recipe.seed, number))
        corpus = Corpus(self.reviews.token_ids)
        crops = random_crops(corpus, *recipe.deep_crops, recipe.deep_crop_words, random)
        parts = [np.concatenate([[START_ID], part]) for part in corpus.cut(crops.begins, crops.lengths)]
        neutral = np.flatnonzero(random.random(len(self.neutral.token_ids)) < recipe.neutral_share)
        return together(
            [
                self.reviews,
                weighted(parts, self.reviews.targets[crops.texts], recipe.crop_weight),
                self.opinions,
                self.neutral.some(neutral),
            ]
        )


def treebank_texts(recipe: TaughtRecipe, phrases: Mapping[str, float], encode: Encode) -> tuple[Texts, Texts]:
    """Read the treebank's phrases: those with an opinion, and the neutral ones.

    Args:
        recipe: what they count for.
        phrases: with the mean of their labels, 0 to 4.
        encode: reads words.
    """
    ids, labels = encode(list(phrases)), np.array(list(phrases.values()))
    targets = np.interp(labels, LABELS, PROBABILITIES)
    neutral = labels == NEUTRAL
    return tuple(  # type: ignore[return-value]
        weighted([ids[row] for row in np.flatnonzero(which).tolist()], targets[which], recipe.phrase_weight)
        for which in (~neutral, neutral)
    )


def run_targets(logits: NDArray[np.float16]) -> NDArray[np.float64]:
    """Join both heads' logits of runs to probabilities, float64[n]: their mean."""
    return np.asarray(expit(np.asarray(logits, np.float64).mean(axis=1)), np.float64)


def phrase_targets(logits: NDArray[np.float16]) -> NDArray[np.float64]:
    """Take the sentence head's probabilities of words and n-grams, float64[n], surer than it says them."""
    return np.asarray(expit(SHARPNESS * np.asarray(logits[:, 0], np.float64)), np.float64)
