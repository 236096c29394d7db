"""Train teachers on labels and ratings, and let them label all texts.

There are several, each without a share of the labels: a labelled review is judged by the one that has not seen its
label, a review with a rating by all of them.
"""

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from service.inference.ngrams import NgramTable
from training.rated.sources import RatedSources
from training.rated.teacher import MAX_ORDER, Reader, Teacher, frequent_ngrams, stacked, train_reader
from training.wide_deep.batches import batches_of_like_length

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

SAVE_EVERY = 500
SORTED_TOGETHER = 16_384
NO_LABEL = -1


@dataclass(frozen=True)
class TeacherRecipe:
    """Hold every choice that decides what the teachers learn."""

    orders: tuple[int, ...] = (3, 1)  # pieces in the longest n-grams that each teacher reads
    pieces: int = 16_000  # of words
    vector_size: int = 128
    hidden: int = 256  # numbers that each direction remembers
    dropout: float = 0.4  # of the features
    ngram_dropout: float = 0.6  # share of n-grams left out
    epochs: int = 2  # of which more would be learnt by heart
    rating_weight: float = 0.5  # of a rating in the loss; a label counts for 1
    learning_rate: float = 2e-3  # Adam's largest, also of vectors
    batch_ids: int = 8_192  # padding counted
    batch_texts: int = 384  # at most
    seed: int = 113

    @property
    def teachers(self) -> int:
        """Number of teachers, each of them without one share of the labels."""
        return len(self.orders)


@dataclass(frozen=True)
class Examples:
    """Hold texts to learn from.

    Attributes:
        token_ids: of each.
        labels: of each, `NO_LABEL` where there is none; int64[n].
        ratings: of each, 0 to 9, `NO_LABEL` where there is none; int64[n].
        table: of n-grams.
    """

    token_ids: list[Ints]
    labels: Ints
    ratings: Ints
    table: NgramTable

    def batches(self, recipe: TeacherRecipe, rows: Ints, random: np.random.Generator) -> list[Ints]:
        """Group some of the texts, by their numbers, in an order by chance."""
        some = [self.token_ids[row] for row in rows.tolist()]
        order = random.permutation(len(rows))
        grouped = batches_of_like_length(some, recipe.batch_ids, recipe.batch_texts, order, SORTED_TOGETHER)
        return [rows[grouped[number]] for number in random.permutation(len(grouped))]

    def inputs(self, rows: Ints) -> torch.Tensor:
        """Stack the ids of some of the texts."""
        return torch.from_numpy(stacked([self.token_ids[row] for row in rows.tolist()], self.table))


def recurrent_answers(recipe: TeacherRecipe, sources: RatedSources, run_dir: Path) -> tuple[list[Floats], Ints]:
    """Train the teachers and let each label all texts; goes on where it was interrupted.

    Args:
        recipe: all choices.
        sources: texts, labels and ratings. What is held out is not learnt from.
        run_dir: keeps what each stage gives.

    Returns:
        The logits of each teacher, float32[texts]; and of each labelled review the number of the teacher that has not
        seen its label.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    labelled = len(sources.labelled.texts)
    rated = labelled + sources.unlike
    learnt = np.concatenate([sources.fitted, rated]).tolist()
    reader_file, keys_file = run_dir / "pieces.json", run_dir / "ngrams.npy"
    if not reader_file.exists():
        train_reader([sources.texts[row] for row in learnt], recipe.pieces, reader_file)
    reader = Reader(reader_file)
    token_ids = reader.read(sources.texts)
    if not keys_file.exists():
        np.save(keys_file, frequent_ngrams([token_ids[row] for row in learnt], reader.pieces))
    labels, ratings = (np.full(len(token_ids), NO_LABEL) for _ in range(2))
    labels[:labelled], ratings[labelled:] = sources.labelled.labels, sources.rated.ratings - 1
    examples = Examples(token_ids, labels, ratings, NgramTable(np.load(keys_file), MAX_ORDER, reader.pieces))
    teacher_of = np.random.default_rng(recipe.seed).integers(recipe.teachers, size=labelled)
    answers = []
    for number in range(recipe.teachers):
        path = run_dir / f"answers{number}.npy"
        if not path.exists():
            own = sources.fitted[teacher_of[sources.fitted] != number]
            teacher = train_teacher(recipe, number, examples, own, rated, run_dir / f"teacher{number}.pt")
            np.save(path, label(recipe, teacher, examples))
        answers.append(np.load(path))
    return answers, teacher_of


def train_teacher(
    recipe: TeacherRecipe, number: int, examples: Examples, labelled: Ints, rated: Ints, checkpoint: Path
) -> Teacher:
    """Train a teacher; go on from the checkpoint where there is one.

    Args:
        recipe: all choices.
        number: of the teacher, for its seed.
        examples: texts.
        labelled: numbers of the texts whose labels it learns.
        rated: numbers of the texts whose ratings it learns.
        checkpoint: file that is written while training goes on.
    """
    torch.manual_seed(recipe.seed + number)
    teacher = build_teacher(recipe, number, examples.table)
    dense = [parameter for name, parameter in teacher.named_parameters() if name != "vectors.weight"]
    optimizers = [
        torch.optim.SparseAdam([teacher.vectors.weight], recipe.learning_rate),
        torch.optim.AdamW(dense, recipe.learning_rate, weight_decay=0.01),
    ]
    random = np.random.default_rng((recipe.seed, number))
    every = np.concatenate([labelled, rated])
    batches = [rows for _ in range(recipe.epochs) for rows in examples.batches(recipe, every, random)]
    first, loss_so_far = 0, 1.0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        teacher.load_state_dict(saved["teacher"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        first = saved["step"]
    teacher.train()
    with click.progressbar(length=len(batches), label=f"Teacher {number + 1}", show_pos=True) as bar:
        bar.update(first)
        for step in range(first, len(batches)):
            loss = loss_of(recipe, teacher, examples, batches[step])
            for optimizer in optimizers:
                optimizer.param_groups[0]["lr"] = recipe.learning_rate * rate(step, len(batches))
                optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(dense, 1.0)
            for optimizer in optimizers:
                optimizer.step()
            loss_so_far = 0.99 * loss_so_far + 0.01 * float(loss.detach())
            bar.update(1)
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == len(batches):
                states = [optimizer.state_dict() for optimizer in optimizers]
                state = {"teacher": teacher.state_dict(), "optimizers": states, "step": step + 1}
                torch.save(state, checkpoint.with_suffix(".part"))
                checkpoint.with_suffix(".part").replace(checkpoint)
                click.echo(f" step {step + 1}: loss {loss_so_far:.3f}")
    teacher.eval()
    return teacher


def build_teacher(recipe: TeacherRecipe, number: int, table: NgramTable) -> Teacher:
    """Build a teacher with numbers by chance."""
    rows, order = table.last_id + 1, recipe.orders[number]
    return Teacher(rows, recipe.vector_size, recipe.hidden, order, recipe.dropout, recipe.ngram_dropout)


def rate(step: int, steps: int) -> float:
    """Compute the learning rate of a step, of its largest: up, then down in a line."""
    return min(1.0, (step + 1) / max(1, steps // 30)) * (1 - 0.97 * step / steps)


def loss_of(recipe: TeacherRecipe, teacher: Teacher, examples: Examples, rows: Ints) -> torch.Tensor:
    """Compute the loss of a batch: cross-entropy of labels and of ratings, for each text what is known of it."""
    label_logits, rating_logits = teacher(examples.inputs(rows))
    labels, ratings = torch.from_numpy(examples.labels[rows]), torch.from_numpy(examples.ratings[rows])
    has_label, has_rating = labels != NO_LABEL, ratings != NO_LABEL
    of_labels = functional.binary_cross_entropy_with_logits(
        label_logits[has_label], labels[has_label].float(), reduction="sum"
    )
    of_ratings = functional.cross_entropy(rating_logits[has_rating], ratings[has_rating], reduction="sum")
    return (of_labels + recipe.rating_weight * of_ratings) / len(rows)


def label(recipe: TeacherRecipe, teacher: Teacher, examples: Examples) -> NDArray[np.float32]:
    """Compute the label logits of all texts, float32[texts]."""
    logits = np.zeros(len(examples.token_ids), np.float32)
    batches = batches_of_like_length(examples.token_ids, recipe.batch_ids, recipe.batch_texts)
    with torch.inference_mode(), click.progressbar(batches, label="Labels", show_pos=True) as bar:
        for rows in bar:
            logits[rows] = teacher(examples.inputs(rows))[0].numpy()
    return logits
