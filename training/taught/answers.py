"""The transformer's answers, kept in a file, so that the network is trained without it.

The file holds logits by the places of the texts in `Questions.texts`, and word vectors to begin with, both made of the
weights of all-MiniLM-L6-v2 (Apache-2.0), and the n-grams among the texts as numbers; no sentence is in it.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

ANSWERS_FILE = Path(__file__).parent / "answers.npz"
"""The committed answers."""

TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class TeacherAnswers:
    """Logits and vectors of the transformer.

    Attributes:
        logits: of each text, of the sentence and of the review head, float16[texts, 2].
        vectors: of the network's words, float16[num_words, embedding_dim].
        ngrams: keys of the n-grams among the texts, int64[n].
        digest: SHA-256 of the texts.
    """

    logits: NDArray[np.float16]
    vectors: NDArray[np.float16]
    ngrams: NDArray[np.int64]
    digest: str

    def write(self, path: Path) -> None:
        """Write the file; vectors are rounded to 8 bits, as training moves them anyway."""
        steps = np.maximum(np.abs(self.vectors.astype(np.float32)).max(axis=0) / np.iinfo(np.int8).max, TINY)
        np.savez_compressed(
            path,
            logits=self.logits,
            vectors=np.rint(self.vectors / steps).astype(np.int8),
            steps=steps,
            ngrams=self.ngrams,
            digest=np.array(self.digest),
        )


def read_answers(path: Path) -> TeacherAnswers:
    """Read the file.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vectors = (arrays["vectors"] * arrays["steps"]).astype(np.float16)
            return TeacherAnswers(arrays["logits"], vectors, arrays["ngrams"], str(arrays["digest"]))
    except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read ({error}). `python -m training.taught` makes it.") from error


def check_answers(answers: TeacherAnswers, digest: str) -> None:
    """Compare the texts that the answers are about with those that there are.

    Args:
        answers: of the transformer.
        digest: of the texts.

    Raises:
        DataError: they are others.
    """
    if answers.digest != digest:
        raise DataError(
            "The transformer's answers are about other texts: IMDB_DATA_DIR or SST_DATA_DIR holds other data than they "
            "were made of. `python -m training.taught` makes them anew."
        )
