"""The teacher's answers, kept in a file, so that the network is trained without it; no text is in it."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

ANSWERS_FILE = Path(__file__).parent / "answers.npz"
"""The committed answers."""

STEP = 1 / 16
"""Distance between two logits in the file."""


@dataclass(frozen=True)
class RatedAnswers:
    """Hold what the teacher says.

    Attributes:
        logits: of each text of `RatedSources.texts`, float32[texts].
        digest: SHA-256 of the texts.
    """

    logits: NDArray[np.float32]
    digest: str

    def write(self, path: Path) -> None:
        """Write the file: a logit is a byte."""
        steps = np.clip(np.rint(self.logits / STEP), -127, 127).astype(np.int8)
        np.savez_compressed(path, steps=steps, digest=np.array(self.digest))


def read_answers(digest: str, path: Path) -> RatedAnswers:
    """Read the file.

    Args:
        digest: of the texts that there are.
        path: of the file.

    Raises:
        DataError: the file is missing or damaged, or its answers are about other texts.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            answers = RatedAnswers(arrays["steps"].astype(np.float32) * STEP, str(arrays["digest"]))
    except (OSError, EOFError, BadZipFile, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read ({error}). `python -m training.rated` makes it.") from error
    if answers.digest != digest:
        raise DataError(
            "The teacher's answers are about other texts: NSMC_DATA_DIR holds other data than they were made of. "
            "`python -m training.rated` makes them anew."
        )
    return answers
