"""Describe words as token ids, by the rules of Keras's IMDB data set; a word of rank r has the id r + `INDEX_FROM`."""

from collections import Counter
from collections.abc import Sequence

from service.inference.tokenizers import OOV_ID, PAD_ID, START_ID
from service.inference.tokenizers.keras_imdb import KerasImdbSpec, plain_typography
from service.inference.tokenizers.word_table import SEPARATORS
from training.data.data_set import VOCABULARY_FILE

INDEX_FROM = 3
"""Added to the rank of a word, from 1, to give its id."""
_TO_SPACES = bytes.maketrans(SEPARATORS, b" " * len(SEPARATORS))
SPECIAL_IDS = {0: "[pad]", 1: "[start]", 2: "[cut]", 3: "[unused]"}


def words_by_id(word_index: dict[str, int]) -> dict[int, str]:
    """Return the word of each token id, special ids in brackets."""
    return {rank + INDEX_FROM: word for word, rank in word_index.items()} | SPECIAL_IDS


def words_spec(num_words: int) -> KerasImdbSpec:
    """Describe the tokenizer of a model that knows so many token ids."""
    return KerasImdbSpec(
        name="keras-imdb",
        vocabulary=VOCABULARY_FILE,
        num_words=num_words,
        pad_id=PAD_ID,
        start_id=START_ID,
        oov_id=OOV_ID,
        index_from=INDEX_FROM,
    )


def word_vocabulary(texts: Sequence[str], min_count: int) -> list[str]:
    """Return the words of texts, the most frequent first, split as the service's tokenizer splits them.

    Args:
        texts: training texts; no others, or the test would know them.
        min_count: times that a word has to occur.
    """
    counts = Counter(
        word for text in texts for word in plain_typography(text).encode().lower().translate(_TO_SPACES).split()
    )
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [word.decode() for word, count in ranked if count >= min_count]
