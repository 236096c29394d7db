"""Make the tokenizer of a model from the texts that it learns from: words, or characters for Korean."""

from collections import Counter
from collections.abc import Sequence

from service.inference.languages import language_of
from service.inference.tokenizers.characters import FIRST_ID, CharacterTokenizer
from service.inference.tokenizers.keras_imdb import KerasImdbTokenizer
from service.inference.tokenizers.tokenizer import Tokenizer
from training.data.characters import character_vocabulary, characters_spec
from training.data.data_set import TokenizerConfig
from training.data.words import INDEX_FROM, word_vocabulary, words_spec

LANGUAGES = ("en", "ko")


def detect_language(texts: Sequence[str]) -> str:
    """Return the language that most texts are in, by their script; English where no script tells."""
    counts = Counter(language for text in texts if (language := language_of(text)))
    return counts.most_common(1)[0][0] if counts else LANGUAGES[0]


def make_tokenizer(
    texts: Sequence[str], language: str, num_words: int, min_count: int
) -> tuple[TokenizerConfig, Tokenizer]:
    """Make a tokenizer of the most frequent words or characters.

    Args:
        texts: training texts; no others, or held-out texts would not be unseen.
        language: of them; "ko" is read by characters.
        num_words: largest number of token ids.
        min_count: times that a word has to occur.
    """
    if language == "ko":
        characters = character_vocabulary(texts, 1, lowercase=True, longest_run=2)[: num_words - FIRST_ID]
        spec = characters_spec(len(characters) + FIRST_ID, lowercase=True, longest_run=2)
        return TokenizerConfig(characters, spec, language), CharacterTokenizer(characters, spec)
    words = word_vocabulary(texts, min_count)[: num_words - INDEX_FROM - 1]
    word_spec = words_spec(len(words) + INDEX_FROM + 1)
    return TokenizerConfig(words, word_spec, language), KerasImdbTokenizer(words, word_spec)
