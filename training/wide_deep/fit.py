"""Train the network on texts with targets, epoch by epoch; an interrupted run goes on after its last whole epoch."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from service.inference.ngrams import NgramTable
from service.inference.tokenizers import OOV_ID
from training.recipes import NetworkRecipe
from training.repeatable import make_repeatable
from training.trained import History
from training.wide_deep.batches import batches_of_like_length, padded
from training.wide_deep.student import build_student
from training.wide_deep.texts import Ints, Texts, read_ids

WARM_UP, LAST_RATE = 0.05, 0.02
"""Share of the steps in which the learning rate rises, and what it falls to at the end, of its largest."""
MOST_TEXTS = 1_024
"""In a batch."""
SORTED_TOGETHER = 16_384
"""Texts that are sorted by length before they are batched, so that little is padding and chance remains."""

Batch = tuple[tuple[NDArray[np.int32], NDArray[np.int32]], NDArray[np.float32], NDArray[np.float32]]


class Epoch:
    """The batches of an epoch.

    Args:
        recipe: all choices.
        texts: of the epoch.
        table: of n-grams.
        number: of the epoch.
    """

    def __init__(self, recipe: NetworkRecipe, texts: Texts, table: NgramTable, number: int) -> None:
        self._recipe, self._texts, self._table, self._number = recipe, texts, table, number
        self._token_ids = read_ids(recipe, texts.token_ids)
        random = np.random.default_rng((recipe.seed, number))
        order = random.permutation(len(self._token_ids))
        batches = batches_of_like_length(self._token_ids, recipe.ids_per_batch, MOST_TEXTS, order, SORTED_TOGETHER)
        self._batches = [batches[i] for i in random.permutation(len(batches))]

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Batch:
        rows = self._batches[index]
        token_ids = padded([self._token_ids[row] for row in rows.tolist()])
        random = np.random.default_rng((self._recipe.seed, self._number, index))
        unknown = (random.random(token_ids.shape) < self._recipe.word_dropout) & (token_ids > 0)
        inputs = (np.where(unknown, OOV_ID, token_ids).astype(np.int32), self._table.look_up(token_ids))
        return inputs, self._texts.targets[rows], self._texts.weights[rows]

    def dataset(self) -> tf.data.Dataset:
        """Give the batches to Keras."""
        ids = tf.TensorSpec((None, None), tf.int32)
        values = tf.TensorSpec((None,), tf.float32)
        batches = tf.data.Dataset.from_generator(lambda: iter(self), output_signature=((ids, ids), values, values))
        return batches.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(4)


@dataclass(frozen=True)
class Phase:
    """Describe epochs in which the learning rate rises and falls once.

    Attributes:
        epochs: of the phase.
        rate: its largest learning rate.
    """

    epochs: int
    rate: float


def train_student(
    recipe: NetworkRecipe,
    phases: Sequence[Phase],
    texts_of: Callable[[int], Texts],
    keys: Ints,
    vectors: NDArray[np.float32],
    run_dir: Path,
) -> tuple[keras.Model, History]:
    """Train the network.

    Args:
        recipe: all choices.
        phases: of the training, one after the other.
        texts_of: draws the texts of an epoch, by its number from 0 on.
        keys: of the n-grams, int64[n], rising.
        vectors: of words to begin with, float32[num_words, embedding_dim].
        run_dir: gets the network after each epoch.

    Returns:
        The trained network, and loss and accuracy of each epoch.
    """
    make_repeatable(recipe.seed)
    table = NgramTable(keys, recipe.max_order, recipe.num_words)
    checkpoint, progress = run_dir / "student.keras", run_dir / "student.json"
    history: History = {}
    if progress.exists():
        history = json.loads(progress.read_text())
        model = keras.models.load_model(checkpoint)
    else:
        model = build_student(recipe, vectors, recipe.num_words + len(keys))
    starts = np.cumsum([0, *[phase.epochs for phase in phases]]).tolist()
    for number in range(len(history.get("loss", [])), starts[-1]):
        epoch = Epoch(recipe, texts_of(number), table, number)
        if number in starts:
            phase = phases[starts.index(number)]
            _compile(model, phase.rate, phase.epochs * len(epoch))
        values = model.fit(epoch.dataset(), initial_epoch=number, epochs=number + 1, shuffle=False, verbose=2).history
        history = {name: history.get(name, []) + [float(value) for value in new] for name, new in values.items()}
        model.save(checkpoint)
        progress.write_text(json.dumps(history) + "\n")
    return model, history


def _compile(model: keras.Model, largest_rate: float, steps: int) -> None:
    """Begin with a new optimizer, whose learning rate rises and falls.

    Args:
        model: to train.
        largest_rate: of the learning rates.
        steps: about as many as will follow.
    """
    rates = keras.optimizers.schedules.CosineDecay(
        0.0,
        round(steps * (1 - WARM_UP)),
        alpha=LAST_RATE,
        warmup_target=largest_rate,
        warmup_steps=max(1, round(steps * WARM_UP)),
    )
    model.compile(
        keras.optimizers.Adam(rates),
        keras.losses.BinaryCrossentropy(from_logits=True),
        weighted_metrics=[],
        jit_compile=False,  # which would compile for each length
    )
