"""Fitting the deep path, on reviews and on crops of them."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.recipes import WideDeepRecipe
from training.trained import History
from training.wide_deep.corpus import Corpus, Ints, random_crops
from training.wide_deep.network import build_deep

START_ID, OOV_ID = 1, 2
WARM_UP, LAST_RATE = 0.1, 0.02
"""Share of the steps in which the learning rate rises, and what it falls to at the end, of its largest."""
MOST_TEXTS = 384
"""In a batch."""
SORTED_TOGETHER = 4_096
"""Texts that are sorted by length before they are batched, so that little is padding and chance remains."""


def fit_deep(
    recipe: WideDeepRecipe, corpus: Corpus, labels: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[keras.Model, History]:
    """Train the deep path; return it with loss and accuracy of each epoch.

    Args:
        recipe: all choices.
        corpus: the training reviews.
        labels: theirs.
        vectors: of words, to begin with.
    """
    epoch = _Epoch(recipe, corpus, labels, 0)
    model = build_deep(recipe, vectors)
    steps = recipe.epochs * len(epoch)  # other epochs have a few more or less
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        round(steps * (1 - WARM_UP)),
        alpha=LAST_RATE,
        warmup_target=recipe.learning_rate,
        warmup_steps=max(1, round(steps * WARM_UP)),
    )
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)],  # of logits
        jit_compile=False,  # which would compile for each length
    )
    history: History = {}
    for number in range(recipe.epochs):
        epoch = _Epoch(recipe, corpus, labels, number)
        values = model.fit(epoch.dataset(), initial_epoch=number, epochs=number + 1, shuffle=False).history
        history = {name: history.get(name, []) + [float(value) for value in new] for name, new in values.items()}
    return model, history


def deep_logits(model: keras.Model, texts: Sequence[Ints], ids_per_batch: int) -> NDArray[np.float32]:
    """Compute the deep path's logit of each text, float32[n], in order."""
    logits = np.zeros(len(texts), np.float32)
    for rows in batches_of_like_length(texts, ids_per_batch):
        logits[rows] = np.asarray(model(padded([texts[row] for row in rows]), training=False))[:, 0]
    return logits


def batches_of_like_length(texts: Sequence[Ints], ids_per_batch: int) -> list[Ints]:
    """Group texts of like length by their numbers: a batch has at most so many ids, padding counted, or is one text."""
    return _batches(np.array([len(text) for text in texts]), np.arange(len(texts)), ids_per_batch)


class _Epoch:
    """The batches of an epoch: every review whole, and crops that are drawn for this epoch."""

    def __init__(self, recipe: WideDeepRecipe, corpus: Corpus, labels: NDArray[np.int64], number: int) -> None:
        self._recipe, self._number = recipe, number
        random = np.random.default_rng((recipe.seed, number))
        crops = random_crops(corpus, *recipe.deep_crops, recipe.deep_crop_words, random)
        wholes = corpus.cut(corpus.starts, corpus.lengths)
        parts = [np.concatenate([[START_ID], part]) for part in corpus.cut(crops.begins, crops.lengths)]
        self._texts = [text[-recipe.maxlen :] for text in (*wholes, *parts)]
        self._labels = np.concatenate([labels, labels[crops.texts]]).astype(np.float32)
        lengths = np.array([len(text) for text in self._texts])
        batches = _batches(lengths, random.permutation(len(lengths)), recipe.ids_per_batch)
        self._batches = [batches[i] for i in random.permutation(len(batches))]

    def __len__(self) -> int:
        return len(self._batches)

    def dataset(self) -> tf.data.Dataset:
        """Give the batches to Keras, which would take the length of the first two for that of all if they are alike."""
        signature = (tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.float32))
        batches = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=signature)
        return batches.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(tf.data.AUTOTUNE)

    def __iter__(self) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float32]]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        rows = self._batches[index]
        token_ids = padded([self._texts[row] for row in rows])
        random = np.random.default_rng((self._recipe.seed, self._number, index))
        unknown = (random.random(token_ids.shape) < self._recipe.word_dropout) & (token_ids > 0)
        return np.where(unknown, OOV_ID, token_ids), self._labels[rows]


def _batches(lengths: Ints, order: Ints, ids_per_batch: int) -> list[Ints]:
    """Group as `batches_of_like_length` does.

    Args:
        lengths: ids of each text.
        order: of the texts, before they are sorted in groups.
        ids_per_batch: allowed.
    """
    batches = []
    for start in range(0, len(order), SORTED_TOGETHER):
        group = order[start : start + SORTED_TOGETHER]
        group = group[np.argsort(lengths[group], kind="stable")]
        while len(group):
            sizes = (np.arange(len(group)) + 1) * lengths[group]
            count = max(1, min(int(np.searchsorted(sizes, ids_per_batch, side="right")), MOST_TEXTS))
            batches.append(group[:count])
            group = group[count:]
    return batches


def padded(texts: Sequence[Ints]) -> NDArray[np.int32]:
    """Token ids of texts, padded with 0 to the longest: int32[n, length]."""
    token_ids = np.zeros((len(texts), max(map(len, texts))), np.int32)
    for row, text in zip(token_ids, texts, strict=True):
        row[: len(text)] = text
    return token_ids
