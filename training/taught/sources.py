"""Collect what teachers and network learn from: reviews, sentences with labels, and which films are held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.tokenizers.keras_imdb import KerasImdbSpec, KerasImdbTokenizer
from training.taught.reviews import Reviews, read_labelled, read_unlabelled, read_word_index
from training.taught.treebank import (
    DEV_FILE,
    TRAIN_FILE,
    Phrase,
    binary_sentences,
    labelled_phrases,
    read_treebank,
)
from training.wide_deep.corpus import Corpus
from training.wide_deep.held_out import held_out_films

Ints = NDArray[np.int64]

INDEX_FROM = 3
FIRST_ID = INDEX_FROM + 1
"""Token id of the most frequent word."""


@dataclass(frozen=True)
class Sources:
    """Texts with and without labels.

    Attributes:
        reviews: labelled training reviews, in the order of the file.
        unlabelled: reviews without labels.
        trees: of the treebank's training part.
        phrases: of these, with the mean of their labels, 0 to 4.
        sentences: of these that are not neutral, and 1 where they are positive.
        development: the same of its development part; they judge.
        fitted, held_out: numbers of labelled reviews; the films of the latter are in none of the former.
    """

    reviews: Reviews
    unlabelled: list[str]
    trees: list[list[Phrase]]
    phrases: dict[str, float]
    sentences: list[tuple[str, int]]
    development: list[tuple[str, int]]
    fitted: Ints
    held_out: Ints


def english_words(imdb_dir: Path, num_words: int) -> tuple[list[str], KerasImdbTokenizer]:
    """Read the words that the network has vectors for, in order of their ids, and make the tokenizer of them.

    Raises:
        DataError: the word index is missing or damaged.
    """
    word_index = read_word_index(imdb_dir)
    words = sorted(word_index, key=word_index.__getitem__)
    spec = KerasImdbSpec(
        name="keras-imdb",
        vocabulary="vocabulary.txt",
        num_words=num_words,
        pad_id=0,
        start_id=1,
        oov_id=2,
        index_from=INDEX_FROM,
    )
    return words[: num_words - FIRST_ID], KerasImdbTokenizer(words, spec)


def read_sources(imdb_dir: Path, sst_dir: Path, validation_share: float, tokenizer: KerasImdbTokenizer) -> Sources:
    """Read all sources.

    Args:
        imdb_dir: folder of the Large Movie Review Dataset.
        sst_dir: folder of the treebank.
        validation_share: of the labelled reviews, held out.
        tokenizer: whose words tell which reviews are of like films.

    Raises:
        DataError: a file is missing or damaged.
    """
    reviews = read_labelled(imdb_dir)
    corpus = Corpus(keras_ids(tokenizer, reviews.texts))
    fitted, held_out = held_out_films(validation_share, corpus, reviews.labels, np.arange(len(reviews.labels)))
    trees = read_treebank(sst_dir / TRAIN_FILE)
    return Sources(
        reviews=reviews,
        unlabelled=read_unlabelled(imdb_dir),
        trees=trees,
        phrases=labelled_phrases(trees),
        sentences=binary_sentences(trees),
        development=binary_sentences(read_treebank(sst_dir / DEV_FILE)),
        fitted=fitted,
        held_out=held_out,
    )


def keras_ids(tokenizer: KerasImdbTokenizer, texts: Sequence[str]) -> list[Ints]:
    """Read texts by Keras's rules alone, which never change: token ids of each, the start id first."""
    return [np.asarray(encoded.token_ids, np.int64) for encoded in tokenizer.encode_as_keras(texts)]


def token_ids(tokenizer: KerasImdbTokenizer, texts: Sequence[str]) -> list[Ints]:
    """Read texts as the service does: token ids of each, the start id first."""
    return [np.asarray(encoded.token_ids, np.int64) for encoded in tokenizer.encode(texts)]
