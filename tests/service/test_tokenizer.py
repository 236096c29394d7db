from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle import TokenizerSpec, open_bundle
from service.tokenizer import KerasImdbTokenizer, plain_typography
from tests.service.conftest import MODELS_DIR


def spec(num_words: int) -> TokenizerSpec:
    return TokenizerSpec(
        name="keras-imdb",
        vocabulary="vocabulary.txt",
        num_words=num_words,
        pad_id=0,
        start_id=1,
        oov_id=2,
        index_from=3,
    )


VOCABULARY = ["the", "good", "don't", "it's", "film", "great", "really", "Å", "café", "rare"]
TOKENIZER = KerasImdbTokenizer(VOCABULARY, spec(num_words=13))  # ids 4 to 12 are known, 13 ("rare") is cut


def ids(text: str) -> list[int]:
    return TOKENIZER.encode(text).token_ids


@pytest.fixture(scope="module")
def whole_index() -> KerasImdbTokenizer:
    words = open_bundle(MODELS_DIR / "imdb-conv1d" / "1").read_vocabulary()
    return KerasImdbTokenizer(words, spec(len(words) + 4))


@pytest.fixture(scope="module")
def reviews(imdb_data_dir: Path) -> tuple[list[str], list[list[int]]]:
    """The raw texts of all 50,000 reviews and the token ids that Keras stores for them."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    from training.data import read_reviews

    texts = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text"])["text"].to_pylist()
    stored = read_reviews(imdb_data_dir)
    return texts, [[1] + [rank + 3 for rank in ranks] for name in ("x_train", "x_test") for ranks in stored[name]]


def test_all_50_000_raw_reviews_give_the_ids_that_keras_stores(
    whole_index: KerasImdbTokenizer, reviews: tuple[list[str], list[list[int]]]
) -> None:
    texts, stored = reviews
    assert len(texts) == 50_000
    different = [i for i, text in enumerate(texts) if whole_index.encode_as_keras(text).token_ids != stored[i]]
    assert different == []


def test_only_the_54_reviews_with_typographic_characters_are_read_otherwise(
    whole_index: KerasImdbTokenizer, reviews: tuple[list[str], list[list[int]]]
) -> None:
    texts, stored = reviews
    typographic = [i for i, text in enumerate(texts) if plain_typography(text) != text]
    different = [i for i, text in enumerate(texts) if whole_index.encode(text).token_ids != stored[i]]
    assert set(different) <= set(typographic)
    assert len(typographic) == 54


def test_ascii_letters_are_lowered_and_no_others() -> None:
    assert ids("THE Good Å") == [1, 4, 5, 11]
    assert ids("å") == [1]


def test_punctuation_separates_words_and_the_apostrophe_does_not() -> None:
    assert ids("(the)-good,film... don't!/film") == [1, 4, 5, 8, 6, 8]


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\r", "\v", "\f", "  \t "])
def test_any_ascii_white_space_separates_words(space: str) -> None:
    assert ids(f"the{space}film") == [1, 4, 8]


def test_a_word_beyond_num_words_is_out_of_vocabulary_and_one_outside_the_index_is_dropped() -> None:
    encoded = TOKENIZER.encode("the rare zyzzyva film")
    assert encoded.token_ids == [1, 4, 2, 8]
    assert (encoded.words, encoded.known_words) == (4, 2)


@pytest.mark.parametrize(
    ("pasted", "typed"),
    [
        ("don’t", "don't"),
        ("it’s great—really", "it's great really"),
        ("“great” film", "great film"),
        ("the\u00a0film", "the film"),
        ("the\u2009film", "the film"),
        ("great…really", "great really"),
        ("good–great", "good great"),
        ("„great“ «film»", "great film"),
        ("gre\u00adat fi\u200blm", "great film"),
        ("cafe\u0301", "café"),
    ],
)
def test_typography_is_read_as_a_person_reads_it(pasted: str, typed: str) -> None:
    assert ids(pasted) == ids(typed)
    assert len(ids(pasted)) > 1


def test_a_text_without_words_is_its_start_id_alone() -> None:
    assert ids("?! ... 😀") == [1]


def test_korean_text_has_words_and_knows_none_of_them() -> None:
    encoded = TOKENIZER.encode("정말 재미있는 영화")
    assert (encoded.token_ids, encoded.words, encoded.known_words) == ([1], 3, 0)


def plain_python(text: str) -> list[int]:
    """The rules once more, one character at a time."""
    filtered = set('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c')
    lowered = "".join(" " if c in filtered else c.lower() if c.isascii() else c for c in text)
    known = {word: i if i < 13 else 2 for i, word in enumerate(VOCABULARY, start=4)}
    return [1] + [known[word] for word in lowered.split(" ") if word in known]


@given(st.lists(st.one_of(st.sampled_from([*VOCABULARY, "DON'T", "!", "\n"]), st.text(max_size=4))))
def test_the_byte_tables_agree_with_the_rules_taken_one_character_at_a_time(parts: list[str]) -> None:
    text = " ".join(parts)
    assert TOKENIZER.encode_as_keras(text).token_ids == plain_python(text)


@given(st.text())
def test_reading_typography_twice_changes_nothing_more(text: str) -> None:
    assert plain_typography(plain_typography(text)) == plain_typography(text)
