"""The teacher: a recurrent network over pieces of words, which reads a review both ways.

It predicts the label of the corpus and the rating of the site with two heads. Each piece comes with the n-grams of
pieces that begin at it, each of which has a vector of its own.

Source: Graves and Schmidhuber, "Framewise Phoneme Classification with Bidirectional LSTM", 2005; Gage, "A New
Algorithm for Data Compression", 1994, as Sennrich et al. use it for pieces of words, ACL 2016.
"""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray
from tokenizers import models, pre_tokenizers, trainers

from service.inference.ngrams import NgramTable
from training.precision import reduced_precision
from training.wide_deep.corpus import Corpus
from training.wide_deep.features import frequent_features

Ints = NDArray[np.int64]

PAD, UNKNOWN, START, FIRST_PIECE = "[pad]", "[unknown]", "[start]", "[unused]"
"""Pieces with the ids 0 to 3, of which the first three have the meaning that they have for every tokenizer here."""
RATINGS = 10
MAX_ORDER = 3
"""Pieces in the longest n-gram."""
MIN_TEXTS = 4
"""An n-gram is in at least so many texts."""

_REPEATED = re.compile(r"(.)\1{2,}")


def normalized(text: str) -> str:
    """Write a text in full-size small letters, without a character more than twice in a row."""
    return _REPEATED.sub(r"\1\1", unicodedata.normalize("NFKC", text).lower())


class Reader:
    """Read texts as ids of pieces.

    Args:
        path: of a file of the tokenizers library, as `train_reader` writes it.
    """

    def __init__(self, path: Path) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(path))

    @property
    def pieces(self) -> int:
        """Number of ids."""
        return int(self._tokenizer.get_vocab_size())

    def read(self, texts: Sequence[str]) -> list[Ints]:
        """Read texts: the ids of each, int64[any], the start id first."""
        start = self._tokenizer.token_to_id(START)
        encodings = self._tokenizer.encode_batch_fast([normalized(text) for text in texts])
        return [np.array([start, *encoding.ids], np.int64) for encoding in encodings]


def train_reader(texts: Sequence[str], pieces: int, path: Path) -> None:
    """Learn pieces of words from texts, and write them down.

    Args:
        texts: to learn from.
        pieces: number of ids.
        path: of the file.
    """
    tokenizer = tokenizers.Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation("contiguous")]
    )
    special = [PAD, START, UNKNOWN, FIRST_PIECE]
    trainer = trainers.BpeTrainer(vocab_size=pieces, special_tokens=special, max_token_length=10, show_progress=False)
    tokenizer.train_from_iterator((normalized(text) for text in texts), trainer)
    tokenizer.save(str(path))


def frequent_ngrams(token_ids: Sequence[Ints], pieces: int) -> Ints:
    """List the keys of the n-grams of two pieces and more that are in several texts, int64[n], rising."""
    return frequent_features(Corpus(token_ids), pieces, MAX_ORDER, MIN_TEXTS).ngrams


class Teacher(torch.nn.Module):  # type: ignore[misc]
    """Ids of pieces and n-grams, int64[batch, length, orders] -> logits of label, float32[batch], and of rating.

    Args:
        rows: number of pieces and n-grams.
        size: numbers of a vector.
        hidden: numbers that each direction remembers.
        order: pieces in the longest n-grams that it reads.
        dropout: of the features.
        ngram_dropout: share of n-grams left out in training.
    """

    def __init__(self, rows: int, size: int, hidden: int, order: int, dropout: float, ngram_dropout: float) -> None:
        super().__init__()
        nn = torch.nn
        self.vectors = nn.Embedding(rows, size, sparse=True)
        nn.init.normal_(self.vectors.weight, std=0.03)
        self.recurrent = nn.LSTM(size, hidden, bidirectional=True, batch_first=True)
        self.attention = nn.Linear(2 * hidden, 1)
        self.features = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * hidden, 256), nn.GELU(), nn.Dropout(dropout))
        self.label, self.rating = nn.Linear(256, 1), nn.Linear(256, RATINGS)
        self.order, self.ngram_dropout = order, ngram_dropout

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute the logits."""
        ids = ids[:, :, : self.order]
        counted = ids > 0
        if self.training:
            kept = torch.rand(ids.shape) > self.ngram_dropout
            kept[:, :, 0] = True  # the piece itself
            counted = counted & kept
        vectors = (self.vectors(ids) * counted.unsqueeze(-1)).sum(2)
        vectors = torch.nn.functional.dropout(vectors, 0.2, self.training)
        padding = (ids[:, :, 0] == 0).unsqueeze(-1)
        with reduced_precision():
            states = self.recurrent(vectors)[0]
            largest = states.masked_fill(padding, -1e4).amax(1)
            weights = torch.softmax(self.attention(states).float().masked_fill(padding, -1e4), 1)
            features = self.features(torch.cat([largest, (states * weights).sum(1)], 1))
            return self.label(features)[:, 0].float(), self.rating(features).float()


def stacked(token_ids: Sequence[Ints], table: NgramTable) -> NDArray[np.int64]:
    """Stack the ids of pieces and of the n-grams that begin at them, int64[texts, length, orders], padded with 0."""
    length = max(map(len, token_ids))
    rows = np.zeros((len(token_ids), length), np.int32)
    for row, ids in zip(rows, token_ids, strict=True):
        row[: len(ids)] = ids
    ngrams = table.look_up(rows)[:, length:].reshape(*rows.shape, MAX_ORDER - 1)
    return np.dstack([rows, ngrams]).astype(np.int64)
