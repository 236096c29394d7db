"""List the texts that the transformer labels, in an order that the data and a seed decide.

Its answers are kept by their places in this list, so that the texts themselves need not be kept.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.taught.pieces import runs
from training.taught.reviews import sentences
from training.taught.sources import FIRST_ID, Sources
from training.taught.variants import draw_variants
from training.wide_deep.corpus import Corpus

Ints = NDArray[np.int64]

SEED = 113
SIZES = (0.6, 0.25, 0.15)
"""Shares of runs of one, two and three sentences."""
RUNS = 5
"""Number of runs of a review: the last, where the verdict is, and others anywhere."""
NEGATED_RUNS = 2
"""Of the others these have a negation, if there are any: the labels of reviews teach little of it."""
MOST_WORDS = 60
"""A longer run is left out: it is a list, or has no stops."""
SHORT_WORDS = (3, 12)
"""In a sentence that is labelled alone, whichever runs it is in: what people say in short they say elsewhere too."""
CLAUSE_WORDS = (4, 9)
"""In a clause cut out of a longer sentence, at a negation."""
WORDS_BEFORE = 3
"""Words of such a clause before the negation, at most."""
NGRAMS = (60_000, 60_000)
"""Most frequent bigrams and trigrams of the reviews."""

_NEGATION = re.compile(
    r"n't\b|\b(?:not|no|never|nothing|nobody|none|nor|neither|cannot|without|hardly)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Runs:
    """Runs of sentences out of reviews.

    Attributes:
        texts: raw.
        reviews: the number of the review that each is from, int64[n].
    """

    texts: list[str]
    reviews: Ints


@dataclass(frozen=True)
class Questions:
    """The texts that the transformer labels.

    Attributes:
        unlabelled: runs of the reviews without labels.
        held_out: runs of the labelled reviews that are held out.
        phrases: words and frequent n-grams.
        variants: of sentences of the treebank.
        clauses: short sentences, and clauses with a negation, of the reviews without labels.
    """

    unlabelled: Runs
    held_out: Runs
    phrases: list[str]
    variants: list[str]
    clauses: list[str]

    @property
    def texts(self) -> list[str]:
        """All of them, in order."""
        return [*self.unlabelled.texts, *self.held_out.texts, *self.phrases, *self.variants, *self.clauses]

    @property
    def digest(self) -> str:
        """SHA-256 of all texts: answers to other texts are of no use."""
        return hashlib.sha256("\n".join(self.texts).encode()).hexdigest()


def list_questions(sources: Sources, words: Sequence[str], ngrams: Ints, num_words: int) -> Questions:
    """List the texts.

    Args:
        sources: of all texts.
        words: that the network has vectors for, in order of their ids.
        ngrams: keys of the n-grams to label, as `frequent_ngrams` gives them.
        num_words: ids that the network knows.
    """
    held_out = [sources.reviews.texts[row] for row in sources.held_out]
    phrases = [*words, *ngram_texts(ngrams, words, num_words)]
    return Questions(
        unlabelled=draw_runs(sources.unlabelled),
        held_out=draw_runs(held_out),
        phrases=phrases,
        variants=draw_variants(sources.trees, SEED),
        clauses=draw_clauses(sources.unlabelled),
    )


def draw_runs(reviews: Sequence[str]) -> Runs:
    """Draw runs of sentences out of each review."""
    texts: list[str] = []
    numbers: list[int] = []
    for number, review in enumerate(reviews):
        random = np.random.default_rng((SEED, number))
        cut = [run for run in runs(review, SIZES, random) if len(run.split()) <= MOST_WORDS]
        if len(cut) > RUNS:
            others = random.permutation(len(cut) - 1).tolist()
            first = [i for i in others if _NEGATION.search(cut[i])][:NEGATED_RUNS]
            drawn = [*first, *(i for i in others if i not in first)][: RUNS - 1]
            cut = [*(cut[i] for i in drawn), cut[-1]]
        texts += cut
        numbers += [number] * len(cut)
    return Runs(texts, np.array(numbers, np.int64))


def draw_clauses(reviews: Sequence[str]) -> list[str]:
    """Collect the short sentences of reviews, and of each longer one with a negation a clause; each text once."""
    texts: dict[str, None] = {}
    for number, review in enumerate(reviews):
        random = np.random.default_rng((SEED, number, 1))
        for sentence in sentences(review):
            words = sentence.split()
            if SHORT_WORDS[0] <= len(words) <= SHORT_WORDS[1]:
                texts.setdefault(sentence)
            elif len(words) > SHORT_WORDS[1] and (negation := _NEGATION.search(sentence)):
                place = len(sentence[: negation.end()].split()) - 1
                first = max(0, place - int(random.integers(WORDS_BEFORE + 1)))
                length = int(random.integers(CLAUSE_WORDS[0], CLAUSE_WORDS[1] + 1))
                texts.setdefault(" ".join(words[first : first + length]))
    return list(texts)


def frequent_ngrams(texts: Sequence[Ints], num_words: int) -> Ints:
    """Select the most frequent bigrams and trigrams of known words: their keys, int64[n], the most frequent first."""
    keys = Corpus(texts).ngram_keys(len(NGRAMS) + 1, num_words)[1:]
    chosen = []
    for of_order, most in zip(keys, NGRAMS, strict=True):
        unique, counts = np.unique(of_order[of_order >= 0], return_counts=True)
        chosen.append(unique[np.argsort(-counts, kind="stable")[:most]])
    return np.concatenate(chosen)


def ngram_texts(keys: Ints, words: Sequence[str], num_words: int) -> list[str]:
    """Write n-grams as text."""
    texts = []
    for key in keys.tolist():
        ids = []
        while key:
            key, last = divmod(key, num_words)  # noqa: PLW2901
            ids.append(last)
        texts.append(" ".join(words[token_id - FIRST_ID] for token_id in reversed(ids)))
    return texts
