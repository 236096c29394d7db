"""Let the teacher label texts, and make word vectors of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from training.taught.pieces import batches_of_like_length
from training.taught.teacher import Reader, Teacher, padded

BATCH_TOKENS = 1_536
THREADS = 2
PART = 20_000
"""Texts whose answers are kept together: an interrupted run loses no more."""
SPECIAL_PIECES = (100, 101, 102)
"""Unknown, start and end of BERT's vocabulary."""
VECTOR_LENGTH = 0.8
"""Mean length of a word vector."""


def label(texts: Sequence[str], teacher: Teacher, reader: Reader, parts_dir: Path) -> NDArray[np.float16]:
    """Compute the logits of both heads, float16[texts, 2]; parts that are in the folder are not computed again.

    Args:
        texts: to label.
        teacher: trained.
        reader: of token ids.
        parts_dir: folder for parts.
    """
    torch.set_num_threads(1)  # each thread computes a batch of its own
    parts_dir.mkdir(parents=True, exist_ok=True)
    parts = []
    with ThreadPoolExecutor(THREADS) as pool, click.progressbar(length=len(texts), label="Labels") as bar:
        for first in range(0, len(texts), PART):
            path = parts_dir / f"{first}.npy"
            if not path.exists():
                np.save(path, _label_part(texts[first : first + PART], teacher, reader, pool))
            parts.append(np.load(path))
            bar.update(len(parts[-1]))
    return np.concatenate(parts)


def _label_part(
    texts: Sequence[str], teacher: Teacher, reader: Reader, pool: ThreadPoolExecutor
) -> NDArray[np.float16]:
    ids = reader.read(texts)
    batches = batches_of_like_length([len(row) for row in ids], BATCH_TOKENS, np.random.default_rng(0))

    def run(rows: list[int]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = teacher(torch.from_numpy(padded([ids[row] for row in rows]))).numpy()
        return logits

    logits = np.zeros((len(texts), 2), np.float16)
    for rows, values in zip(batches, pool.map(run, batches), strict=True):
        logits[rows] = values
    return logits


def word_vectors(
    teacher: Teacher, reader: Reader, words: Sequence[str], first_id: int, dimension: int
) -> NDArray[np.float16]:
    """Make vectors of words, float16[first_id + words, dimension]: principal components of the teacher's embeddings.

    Args:
        teacher: whose embeddings of word pieces are averaged over each word.
        reader: of word pieces.
        words: in order of their ids.
        first_id: of the first word; ids below get vectors of 0.
        dimension: numbers of a vector.
    """
    embeddings = teacher.encoder.embeddings.word_embeddings.weight.detach().numpy()
    known = [[piece for piece in pieces if piece not in SPECIAL_PIECES] for pieces in reader.read(words)]
    middle = embeddings.mean(axis=0)  # of a word without a piece, such as a lone accent
    means = np.stack([embeddings[pieces].mean(axis=0) if pieces else middle for pieces in known])
    centred = means - means.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    components = centred @ directions[:, ::-1][:, :dimension]
    components *= VECTOR_LENGTH / np.linalg.norm(components, axis=1).mean()
    return np.concatenate([np.zeros((first_id, dimension)), components]).astype(np.float16)
