"""Vary sentences of the treebank: leave out phrases of them, or put phrases of other sentences in their place.

The transformer labels what comes of it. A phrase is replaced by one that begins with the same word, which is mostly of
the same kind: `of the film` by `of its own making`.

Source: after Tang et al., "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", 2019, who replace
single words.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from training.taught.treebank import Phrase, joined_words

VARIANTS = 20
"""Number of variants of a sentence."""
MOST_CHANGES = 3
LEFT_OUT = 0.3
"""Share of changed phrases that are left out."""
LIKE_LENGTH = 2
"""A phrase is at most so many times as long as the one whose place it takes, and no shorter than its part."""
FEWEST_WORDS = 4
"""A shorter sentence has no variants, and a variant is no shorter."""

Pool = dict[tuple[str, int], list[tuple[str, ...]]]
"""Phrases of more than one word by their first one and their length."""


def draw_variants(trees: Sequence[Sequence[Phrase]], seed: int) -> list[str]:
    """Draw variants of each sentence; the same trees and seed give the same texts, each once.

    Args:
        trees: as `read_treebank` gives them.
        seed: of what is changed.
    """
    pool: Pool = {}
    for tree in trees:
        for phrase in tree:
            if len(phrase.words) > 1 and not phrase.whole:
                pool.setdefault((phrase.words[0].lower(), len(phrase.words)), []).append(phrase.words)
    texts: dict[str, None] = {}
    for number, tree in enumerate(trees):
        sentence = tree[-1].words
        changeable = [phrase for phrase in tree if len(phrase.words) <= len(sentence) / 2]
        random = np.random.default_rng((seed, number))
        for _ in range(VARIANTS if len(sentence) >= FEWEST_WORDS else 0):
            words = _varied(sentence, changeable, pool, random)
            if len(words) >= FEWEST_WORDS and words != sentence:
                texts.setdefault(joined_words(words))
    return list(texts)


def _varied(
    sentence: tuple[str, ...], changeable: Sequence[Phrase], pool: Pool, random: np.random.Generator
) -> tuple[str, ...]:
    """Change some phrases of a sentence, from its end to its beginning; those that overlap stay."""
    drawn = random.permutation(len(changeable))[: int(random.integers(1, MOST_CHANGES + 1))]
    begin = len(sentence)
    for phrase in sorted((changeable[row] for row in drawn.tolist()), key=lambda phrase: -phrase.first):
        end = phrase.first + len(phrase.words)
        if end <= begin:
            begin = phrase.first
            sentence = (*sentence[:begin], *_replacement(phrase, pool, random), *sentence[end:])
    return sentence


def _replacement(phrase: Phrase, pool: Pool, random: np.random.Generator) -> tuple[str, ...]:
    """Draw what takes the place of a phrase: nothing, or a phrase of like length with the same first word."""
    length = len(phrase.words)
    if length == 1 or random.random() < LEFT_OUT:
        return ()
    lengths = range(-(-length // LIKE_LENGTH), length * LIKE_LENGTH + 1)
    like = [pool.get((phrase.words[0].lower(), words), []) for words in lengths]
    drawn = int(random.integers(sum(map(len, like))))
    return next(itertools.islice(itertools.chain.from_iterable(like), drawn, None))
