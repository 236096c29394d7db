"""The data sets that can be looked at: a new one is a module that reads it, and a line in `CORPORA`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.inference.characters import FIRST_ID, CharacterTokenizer
from training import nsmc
from training.data import Split, every_word, load_data, load_word_index
from training.recipes import LECTURE

SPECIAL = {0: "[pad]", 1: "[start]", 2: "[cut]", 3: "[unused]"}


@dataclass(frozen=True)
class Corpus:
    """A data set, all of its words or characters with an id.

    Attributes:
        train, test: its splits.
        names: what each token id stands for, special ones in brackets.
        first_id: lowest id of a word or character.
        units: what the ids are, for people.
        joint: between the names of two ids where a text is written down.
        num_words: ids that the network knows.
        maxlen: ids of a text that it reads.
    """

    train: Split
    test: Split
    names: Mapping[int, str]
    first_id: int
    units: str
    joint: str
    num_words: int
    maxlen: int


def words_by_id(word_index: dict[str, int]) -> dict[int, str]:
    """What each token id of IMDB stands for, special ids in brackets."""
    return {rank + 3: word for word, rank in word_index.items()} | SPECIAL


def imdb_corpus(data_dir: Path | None) -> Corpus:
    """The IMDB data set as the lecture's network reads it.

    Raises:
        DataError: it cannot be read.
    """
    word_index = load_word_index(data_dir)
    train, test = load_data(data_dir, num_words=every_word(word_index))
    return Corpus(train, test, words_by_id(word_index), 4, "words", " ", LECTURE.num_words, LECTURE.maxlen)


def nsmc_corpus(data_dir: Path | None) -> Corpus:
    """The Naver sentiment movie corpus as characters, of which those that the training reviews have are known.

    Raises:
        DataError: it cannot be read.
    """
    train, test = nsmc.read_reviews(data_dir)
    vocabulary = nsmc.character_vocabulary(train.texts, 1, lowercase=False, longest_run=None)
    frequent = nsmc.character_vocabulary(train.texts, nsmc.MIN_COUNT, lowercase=False, longest_run=None)
    spec = nsmc.characters_spec(len(vocabulary) + FIRST_ID, lowercase=False, longest_run=None)
    tokenizer = CharacterTokenizer(vocabulary, spec)

    names = dict(enumerate(vocabulary, start=FIRST_ID)) | {0: "[pad]", 1: "[start]", 2: "[unknown]"}
    num_words = len(frequent) + FIRST_ID
    return Corpus(
        nsmc.encoded(tokenizer, train),
        nsmc.encoded(tokenizer, test),
        names,
        FIRST_ID,
        "characters",
        "",
        num_words,
        nsmc.MAXLEN,
    )


CORPORA: dict[str, Callable[[Path | None], Corpus]] = {"imdb": imdb_corpus, "nsmc": nsmc_corpus}
"""What reads a data set from its folder; the variable that names the folder is `<NAME>_DATA_DIR`."""
