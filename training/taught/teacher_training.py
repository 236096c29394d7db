"""Train the teacher: the head for sentences on the treebank, the head for reviews on pieces of labelled reviews."""

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray

from training.taught.pieces import batches_of_like_length, random_piece
from training.taught.teacher import Reader, Teacher, padded

SAVE_EVERY = 100
WARM_UP = 0.06
FIRST_SENTENCE_EPOCH = 100
"""Number that keeps the epochs of sentences from drawing the pieces of the epochs of phrases."""


@dataclass(frozen=True)
class TeacherRecipe:
    """Hold every choice that decides what the teacher learns."""

    frozen_layers: int = 2  # of 6, and the embeddings
    steps: int = 3_000  # with phrases
    sentence_steps: int = 500  # after these, in which whole sentences take the place of phrases
    sentence_rate: float = 0.6  # learning rate at the beginning of the sentences, of the largest
    batch_tokens: int = 1_024  # of each head in a step, padding counted
    learning_rate: float = 8e-5  # AdamW's largest, of the transformer
    head_learning_rate: float = 1e-3
    piece_words: tuple[int, int] = (8, 100)  # of a review, in the shortest and in the longest piece
    neutral_share: float = 0.2  # of the treebank's neutral phrases, drawn anew for each epoch
    seed: int = 113


@dataclass(frozen=True)
class TeacherTexts:
    """Hold what the teacher learns from.

    Attributes:
        phrases: of the treebank, with their mean labels, 0 to 4.
        sentences: those of the phrases that are whole sentences and not neutral.
        reviews: raw.
        labels: theirs, int64[n].
    """

    phrases: Mapping[str, float]
    sentences: Mapping[str, float]
    reviews: Sequence[str]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class Examples:
    """Texts with the probability that each is positive, float32[n]."""

    texts: list[str]
    targets: NDArray[np.float32]


Batch = tuple[int, NDArray[np.int64], NDArray[np.float32]]
"""Number of the head, token ids and targets."""
Step = tuple[Batch, Batch]


def phrase_examples(phrases: Mapping[str, float], neutral_share: float, random: np.random.Generator) -> Examples:
    """Draw the treebank's examples of an epoch: all phrases with an opinion, and some neutral ones.

    Args:
        phrases: mean label of each, 0 to 4.
        neutral_share: of the neutral ones.
        random: which of them.
    """
    drawn = {text: label for text, label in phrases.items() if label != 2 or random.random() < neutral_share}
    labels = np.array(list(drawn.values()), np.float32)
    return Examples(list(drawn), np.interp(labels, [0, 1, 2, 3, 4], [0, 0.1, 0.5, 0.9, 1]).astype(np.float32))


def piece_examples(
    texts: Sequence[str], labels: NDArray[np.int64], words: tuple[int, int], random: np.random.Generator
) -> Examples:
    """Draw a piece of each review, with the review's label."""
    return Examples([random_piece(text, words, random) for text in texts], labels.astype(np.float32))


def train_teacher(recipe: TeacherRecipe, folder: Path, texts: TeacherTexts, checkpoint: Path) -> Teacher:
    """Train the teacher on phrases, then on sentences; go on from the checkpoint where there is one.

    A step is a batch of each head, each computed by a thread of its own.

    Args:
        recipe: all choices.
        folder: of the pre-trained weights.
        texts: to learn from.
        checkpoint: file that is written while training goes on.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)
    reader, teacher = Reader(folder), Teacher(folder)
    frozen = [teacher.encoder.embeddings, *teacher.encoder.encoder.layer[: recipe.frozen_layers]]
    for module in frozen:
        module.requires_grad_(False)
    trained = [parameter for parameter in teacher.encoder.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1], "lr": recipe.learning_rate, "weight_decay": 0.01},
        {"params": [p for p in trained if p.ndim == 1], "lr": recipe.learning_rate, "weight_decay": 0.0},
        {"params": list(teacher.heads.parameters()), "lr": recipe.head_learning_rate, "weight_decay": 0.0},
    ]
    parameters = [parameter for group in groups for parameter in group["params"]]
    optimizer = torch.optim.AdamW(groups)
    steps = [
        *training_steps(recipe, reader, texts, texts.phrases, recipe.steps),
        *training_steps(recipe, reader, texts, texts.sentences, recipe.sentence_steps, FIRST_SENTENCE_EPOCH),
    ]
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate(recipe, step))
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        teacher.load_state_dict(saved["teacher"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        first = saved["step"]
    teacher.train()

    def gradients(batch: Batch) -> tuple[float, list[torch.Tensor]]:
        head, ids, targets = batch
        logits = teacher(torch.from_numpy(ids))[:, head]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.from_numpy(targets))
        return float(loss.detach()), list(torch.autograd.grad(loss, parameters))

    losses = np.array([0.5, 0.6])
    with ThreadPoolExecutor(2) as pool, click.progressbar(length=len(steps), label="Teacher", show_pos=True) as bar:
        bar.update(first)
        for number in range(first, len(steps)):
            (first_loss, own), (second_loss, other) = pool.map(gradients, steps[number])
            for parameter, one, two in zip(parameters, own, other, strict=True):
                parameter.grad = one.add_(two)
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            for (head, _, _), loss in zip(steps[number], (first_loss, second_loss), strict=True):
                losses[head] = 0.98 * losses[head] + 0.02 * loss
            bar.update(1)
            if (number + 1) % SAVE_EVERY == 0 or number + 1 == len(steps):
                state = {"teacher": teacher.state_dict(), "optimizer": optimizer.state_dict()}
                state |= {"schedule": schedule.state_dict(), "step": number + 1}
                torch.save(state, checkpoint.with_suffix(".part"))
                checkpoint.with_suffix(".part").replace(checkpoint)
                click.echo(f" step {number + 1}: losses {losses[0]:.3f} (phrases), {losses[1]:.3f} (pieces)")
    teacher.eval()
    return teacher


def learning_rate(recipe: TeacherRecipe, step: int) -> float:
    """Compute the learning rate of a step, of its largest: up, down to 0, and once more down through the sentences."""
    warm_up = max(1, round(recipe.steps * WARM_UP))
    if step < recipe.steps:
        return min((step + 1) / warm_up, (recipe.steps - step) / (recipe.steps - warm_up))
    return recipe.sentence_rate * (1 - (step - recipe.steps) / max(1, recipe.sentence_steps))


def training_steps(
    recipe: TeacherRecipe,
    reader: Reader,
    texts: TeacherTexts,
    phrases: Mapping[str, float],
    number: int,
    epoch: int = 0,
) -> list[Step]:
    """Make a number of steps, epoch by epoch from one on; a step is a batch of phrases and one of pieces of reviews.

    Batches that are used up before the others of their epoch come round again.
    """
    steps: list[Step] = []
    for later in itertools.count(epoch):
        if len(steps) >= number:
            break
        random = np.random.default_rng((recipe.seed, later))
        of_heads = []
        for head, examples in enumerate(
            (
                phrase_examples(phrases, recipe.neutral_share, random),
                piece_examples(texts.reviews, texts.labels, recipe.piece_words, random),
            )
        ):
            ids = reader.read(examples.texts)
            rows = batches_of_like_length([len(row) for row in ids], recipe.batch_tokens, random)
            of_heads.append([(head, padded([ids[i] for i in some]), examples.targets[some]) for some in rows])
        longest = max(map(len, of_heads))
        steps += zip(*(itertools.islice(itertools.cycle(batches), longest) for batches in of_heads), strict=True)
    return steps[:number]
