"""The Naver sentiment movie corpus: 150,000 + 50,000 short Korean reviews, from a folder.

Source: Lucy Park, https://github.com/e9t/nsmc, version 1.0 (CC0).
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.characters import BLANK, FIRST_ID, CharactersSpec, CharacterTokenizer
from training.data import Split
from training.errors import DataError

MIN_COUNT = 3
"""Times that the training reviews need a character for a network to learn it."""

MAXLEN = 160
"""Token ids that no review exceeds."""

_HEADER = "id\tdocument\tlabel"


@dataclass(frozen=True)
class Published:
    """A file as it was published."""

    name: str
    reviews: int
    sha256: str


PUBLISHED = {
    "train": Published(
        "ratings_train.txt", 150_000, "e03b7d14e9e41be8d464a28057cd25d7396c53e67aa7fd5f7e552c59b0ee2940"
    ),
    "test": Published("ratings_test.txt", 50_000, "8ac9f64052f11dbf6ae0acb5e038f03d90a76f0eda7820cfb3a92d02edfcebda"),
}
"""By split."""


@dataclass(frozen=True)
class Reviews:
    """A split.

    Attributes:
        texts: as they were written; a few are empty.
        labels: int64[n], 1 = positive.
    """

    texts: list[str]
    labels: NDArray[np.int64]

    def first(self, most: int | None) -> "Reviews":
        """The first so many of them; None is all."""
        return Reviews(self.texts[:most], self.labels[:most])


def encoded(tokenizer: CharacterTokenizer, reviews: Reviews) -> Split:
    """Reviews as token ids, and their labels."""
    token_ids = np.empty(len(reviews.texts), object)
    token_ids[:] = [text.token_ids.tolist() for text in tokenizer.encode(reviews.texts)]
    return token_ids, reviews.labels


def read_reviews(data_dir: Path | None, published: Mapping[str, Published] = PUBLISHED) -> tuple[Reviews, Reviews]:
    """The training and the test reviews, in the order of their files.

    Args:
        data_dir: folder with `ratings_train.txt` and `ratings_test.txt`.
        published: what these files are.

    Raises:
        DataError: there is no folder, or a file is missing, damaged or foreign.
    """
    if data_dir is None:
        names = " and ".join(file.name for file in published.values())
        raise DataError(f"There is no data folder: --data-dir or NSMC_DATA_DIR names the one with {names}.")
    return _read_split(data_dir, published["train"]), _read_split(data_dir, published["test"])


def character_vocabulary(
    texts: Sequence[str], min_count: int, *, lowercase: bool, longest_run: int | None
) -> list[str]:
    """The characters of texts, the most frequent first, as the service's tokenizer reads and so counts them.

    Args:
        texts: of training reviews; no others, or the test would not be one.
        min_count: times that a character has to be there.
        lowercase: as of `CharactersSpec`.
        longest_run: as of `CharactersSpec`.
    """
    composed = {character for text in texts for character in unicodedata.normalize("NFC", text)}
    every = sorted(composed | {character.lower() for character in composed if len(character.lower()) == 1} | {BLANK})
    spec = characters_spec(len(every) + FIRST_ID, lowercase=lowercase, longest_run=longest_run)
    encoded = CharacterTokenizer(every, spec).encode(texts)
    token_ids = np.concatenate([text.token_ids for text in encoded])
    counts = np.bincount(token_ids, minlength=spec.num_words)[FIRST_ID:].tolist()
    ranked = sorted(zip(every, counts, strict=True), key=lambda entry: -entry[1])  # of equals, the lower code point
    return [character for character, count in ranked if count >= min_count]


def characters_spec(
    num_words: int, vocabulary_file: str = "vocabulary.txt", *, lowercase: bool, longest_run: int | None
) -> CharactersSpec:
    """The tokenizer of a model that knows so many token ids."""
    return CharactersSpec(
        name="characters",
        vocabulary=vocabulary_file,
        num_words=num_words,
        pad_id=0,
        start_id=1,
        oov_id=2,
        units="syllables",
        lowercase=lowercase,
        longest_run=longest_run,
    )


def _read_split(data_dir: Path, published: Published) -> Reviews:
    path = data_dir / published.name
    try:
        content = path.read_bytes()
        lines = content.decode().removesuffix("\n").split("\n")
    except OSError as error:
        names = " and ".join(file.name for file in PUBLISHED.values())
        raise DataError(f"{path} cannot be read ({error.strerror}); the data folder needs {names}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is damaged: byte {error.start:,} is not UTF-8.") from error
    if lines[0] != _HEADER:
        raise DataError(f"{path} is not of the NSMC: its first line is {lines[0][:40]!r}, not {_HEADER!r}.")
    reviews = _rows(path, lines[1:])
    if len(reviews.texts) != published.reviews:
        raise DataError(f"{path} is cut or foreign: it has {len(reviews.texts):,} reviews of {published.reviews:,}.")
    if sha256(content).hexdigest() != published.sha256:
        raise DataError(f"{path} has the shape of the published file but not its content: the SHA-256 differs.")
    return reviews


def _rows(path: Path, lines: Iterable[str]) -> Reviews:
    """Quotes have no meaning: they are doubled in the published texts as they are."""
    texts, labels = [], []
    for number, line in enumerate(lines, start=2):
        fields = line.split("\t")
        if len(fields) != 3:
            raise DataError(f"{path} is damaged: line {number:,} has {len(fields)} fields, not id, document, label.")
        if fields[2] not in ("0", "1"):
            label = fields[2][:20]
            raise DataError(f"{path} is not of the NSMC: the label in line {number:,} is {label!r}, not 0 or 1.")
        texts.append(fields[1])
        labels.append(int(fields[2]))
    return Reviews(texts, np.array(labels, np.int64))
