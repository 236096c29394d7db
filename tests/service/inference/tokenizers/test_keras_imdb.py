import unicodedata
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.bundle import open_bundle
from service.inference.tokenizers import keras_imdb, word_table
from service.inference.tokenizers.keras_imdb import SHORT_BYTES, KerasImdbSpec, KerasImdbTokenizer, plain_typography
from service.inference.tokenizers.tokenizer import Encoded
from service.inference.tokenizers.word_table import CACHED_BYTES, SEPARATORS
from tests.service.conftest import MODELS_DIR


def spec(num_words: int) -> KerasImdbSpec:
    return KerasImdbSpec(
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


def one(text: str, tokenizer: KerasImdbTokenizer = TOKENIZER) -> tuple[list[int], int, int]:
    """Token ids, words and known words of a text that comes alone."""
    [encoded] = tokenizer.encode([text])
    return as_python(encoded)


def ids(text: str) -> list[int]:
    return one(text)[0]


def as_python(encoded: Encoded) -> tuple[list[int], int, int]:
    assert encoded.token_ids.dtype == np.int32
    return encoded.token_ids.tolist(), encoded.words, encoded.known_words


@pytest.fixture(scope="module")
def whole_index() -> KerasImdbTokenizer:
    words = open_bundle(MODELS_DIR / "imdb-conv1d" / "1").read_vocabulary()
    return KerasImdbTokenizer(words, spec(len(words) + 4))


@pytest.fixture(scope="module")
def reviews(imdb_data_dir: Path) -> tuple[list[str], list[list[int]]]:
    """The raw texts of all 50,000 reviews and the token ids that Keras stores for them."""
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    from training.data.imdb import read_reviews

    texts = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text"])["text"].to_pylist()
    stored = read_reviews(imdb_data_dir)
    return texts, [[1] + [rank + 3 for rank in ranks] for name in ("x_train", "x_test") for ranks in stored[name]]


def test_all_50_000_raw_reviews_give_the_ids_that_keras_stores(
    whole_index: KerasImdbTokenizer, reviews: tuple[list[str], list[list[int]]]
) -> None:
    texts, stored = reviews
    assert len(texts) == 50_000
    together = [as_python(encoded)[0] for encoded in whole_index.encode_as_keras(texts)]
    assert together == stored
    alone = [as_python(whole_index.encode_as_keras([text])[0])[0] for text in texts]
    assert alone == stored


def test_only_the_65_reviews_with_typography_or_markup_are_read_otherwise(
    whole_index: KerasImdbTokenizer, reviews: tuple[list[str], list[list[int]]]
) -> None:
    texts, stored = reviews
    typographic = [i for i, text in enumerate(texts) if plain_typography(text) != text]
    different = [i for i, text in enumerate(whole_index.encode(texts)) if text.token_ids.tolist() != stored[i]]
    assert set(different) <= set(typographic)
    assert len(typographic) == 65


def test_ascii_letters_are_lowered_and_no_others() -> None:
    assert ids("THE Good Å") == [1, 4, 5, 11]
    assert ids("å") == [1]


def test_punctuation_separates_words_and_the_apostrophe_does_not() -> None:
    assert ids("(the)-good,film... don't!/film") == [1, 4, 5, 8, 6, 8]


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\r\n", "\r", "\v", "\f", "  \t "])
def test_any_ascii_white_space_separates_words(space: str) -> None:
    assert ids(f"the{space}film") == [1, 4, 8]


def test_a_word_beyond_num_words_is_out_of_vocabulary_and_one_outside_the_index_is_dropped() -> None:
    encoded = one("the rare zyzzyva film")
    assert encoded == ([1, 4, 2, 8], 4, 2)


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
        ("caf&eacute;", "café"),
        ("don&#39;t", "don't"),
        ("don&rsquo;t", "don't"),
        ("good&nbsp;film", "good film"),
        ("<p>the good</p><p>film</p>", "the good film"),
        ("the <b>go</b>od film", "the good film"),
        ("<div class='review' id=1>great</DIV>", "great"),
        ("ｇｏｏｄ　ｆｉｌｍ", "good film"),
        ("ｄｏｎ＇ｔ", "don't"),
    ],
)
def test_typography_is_read_as_a_person_reads_it(pasted: str, typed: str) -> None:
    assert ids(pasted) == ids(typed)
    assert len(ids(pasted)) > 1


def test_a_text_without_words_is_its_start_id_alone() -> None:
    assert ids("?! ... 😀") == [1]


def test_korean_text_has_words_and_knows_none_of_them() -> None:
    assert one("정말 재미있는 영화") == ([1], 3, 0)


def plain_python(text: str) -> tuple[list[int], int, int]:
    """The rules once more, one character at a time."""
    filtered = set('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x0b\x0c')
    lowered = "".join(" " if c in filtered else c.lower() if c.isascii() else c for c in text)
    words = [word for word in lowered.split(" ") if word]
    known = {word: i if i < 13 else 2 for i, word in enumerate(VOCABULARY, start=4)}
    token_ids = [known[word] for word in words if word in known]
    return [1, *token_ids], len(words), len(token_ids) - token_ids.count(2)


TEXTS = st.lists(st.one_of(st.sampled_from([*VOCABULARY, "DON'T", "!", "\n", "\0", "\0the"]), st.text(max_size=4))).map(
    " ".join
)


@given(TEXTS)
def test_the_hashes_agree_with_the_rules_taken_one_character_at_a_time(text: str) -> None:
    assert as_python(TOKENIZER.encode_as_keras([text])[0]) == plain_python(text)


@given(st.lists(TEXTS, max_size=6))
def test_many_texts_at_once_are_encoded_as_one_by_one(texts: list[str]) -> None:
    assert [as_python(e) for e in TOKENIZER.encode(texts)] == [one(text) for text in texts]


def test_rare_words_and_unknown_ones_of_a_short_text_have_the_ids_of_a_long_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keras_imdb, "FREQUENT_WORDS", 2)
    tokenizer = KerasImdbTokenizer(VOCABULARY, spec(num_words=13))
    text = "The GOOD film, unheard of: a rare café\x1f x\x0brare Å! don't" + "the" * 9
    assert one(text, tokenizer) == as_python(tokenizer.encode([text, "the"])[0])
    assert one("rare " * 3, tokenizer) == ([1, 2, 2, 2], 3, 0)


@pytest.mark.parametrize("length", [SHORT_BYTES, SHORT_BYTES + 1])
def test_short_and_long_texts_are_encoded_alike(length: int) -> None:
    text = ("good x rare film " * length)[:length]
    assert one(text) == as_python(TOKENIZER.encode([text, "the"])[0])


@pytest.mark.parametrize("text", ["", " ", "?!", " the ", "\nthe", "the.", "...the  film!!", "\0", "\0the", "the\0"])
def test_separators_at_the_ends_and_nothing_between_them(text: str) -> None:
    assert one(text) == plain_python(text)
    among_others = TOKENIZER.encode(["good film", text, "the rare"])
    assert [as_python(e) for e in among_others] == [([1, 5, 8], 2, 2), plain_python(text), ([1, 4, 2], 2, 1)]


@pytest.mark.parametrize("length", [*range(1, 34), CACHED_BYTES - 4, CACHED_BYTES - 3, CACHED_BYTES, 100_000])
def test_words_of_any_length_are_told_apart(length: int) -> None:
    word = "ab" * (length // 2) + "z" * (length % 2)
    tokenizer = KerasImdbTokenizer([word], spec(num_words=13))
    others = [word[:-1], word + "a", word[:-1] + "q", "q" + word[1:], word[: length // 2] + "q" + word[length // 2 :]]
    assert one(f"{word} {word.upper()}", tokenizer) == ([1, 4, 4], 2, 2)
    for other in others:
        assert one(other, tokenizer)[0] == [1]
    among_others = [text.token_ids.tolist() for text in tokenizer.encode([*others, word, "the", word])]
    assert among_others == [[1]] * len(others) + [[1, 4], [1], [1, 4]]


def test_batches_that_exceed_one_group_keep_their_order() -> None:
    texts = [VOCABULARY[i % 10] * (1 + i % 2) + " film" * (i % 700) for i in range(500)]
    assert sum(map(len, texts)) > 5 * CACHED_BYTES
    assert [as_python(e) for e in TOKENIZER.encode(texts)] == [plain_python(text) for text in texts]


def test_a_word_with_the_hash_of_the_start_does_not_shift_the_other_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = word_table._CODES.copy()
    codes[ord("q")] = codes[0xFF]
    monkeypatch.setattr(word_table, "_CODES", codes)
    encoded = TOKENIZER.encode(["the q film", "q", "good"])
    assert [text.token_ids.tolist() for text in encoded] == [[1, 4, 1, 8], [1, 1], [1, 5]]


@pytest.mark.parametrize("vocabulary", [["the", "the"], ["the", "The"], ["two words"], ["the", ""]])
def test_a_vocabulary_with_two_words_of_one_hash_or_with_separators_is_refused(vocabulary: list[str]) -> None:
    with pytest.raises(ValueError, match="one hash, or a word is empty or holds a separator"):
        KerasImdbTokenizer(vocabulary, spec(num_words=13))


@given(st.text(st.characters(exclude_characters="&<")))
def test_reading_typography_twice_changes_nothing_more(text: str) -> None:
    assert plain_typography(plain_typography(text)) == plain_typography(text)


def test_the_tag_of_a_line_break_is_the_word_that_the_index_has_for_it() -> None:
    tokenizer = KerasImdbTokenizer(["br", "good"], spec(num_words=13))
    assert one("good<br /><br />good", tokenizer) == ([1, 5, 4, 4, 5], 4, 4)


def joined(text: str) -> str:
    return " ".join(text[start:end] for start, end in TOKENIZER.spans(text))


# Every kind of character that reading typography moves, drops or makes one of: accents, strokes, Hangul parts,
# characters that NFC takes apart or turns into punctuation, and what is invisible.
ODD = st.text(
    st.sampled_from(
        "ae<=>;`'\u0301\u0327\u0338\u0335\u00ad\u200b\ufeff’“—…\u00a0\u2000\u037e\u1fef\u0958Å\u212b\u1112\u1161\u11ab😀"
    ),
    max_size=6,
)
MARKUP = st.sampled_from(["&#39;", "&nbsp;", "&eacute;", "&amp;", "<b>", "</i>", "<p>", "</P >", "<hr/>"])
ODD_TEXTS = st.lists(st.one_of(TEXTS, ODD, MARKUP)).map("".join)


@given(ODD_TEXTS)
def test_the_marked_words_give_the_ids_of_the_text(text: str) -> None:
    token_ids, words, known_words = one(text)
    assert one(joined(text)) == (token_ids, words, known_words)
    assert len(TOKENIZER.spans(text)) == words


@given(ODD_TEXTS, st.randoms(use_true_random=False))
def test_without_the_characters_of_a_word_a_text_loses_its_ids_and_no_others(text: str, chance: Random) -> None:
    spans = TOKENIZER.spans(text)
    if not spans:
        return
    taken = chance.randrange(len(spans))
    start, end = spans[taken]
    alone = [one(text[a:b])[0][1:] for a, b in spans]
    expected = [1] + [token_id for place, ids in enumerate(alone) if place != taken for token_id in ids]
    assert one(text[:start] + text[end:])[0] == expected
    assert len(TOKENIZER.spans(text[:start] + text[end:])) == len(spans) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I loved it.", ["I", "loved", "it"]),
        ("“Don’t”—he said…", ["Don’t", "he", "said"]),
        ("cafe\u0301, good", ["cafe\u0301", "good"]),
        ("\u200bgre\u00adat\ufeff film", ["gre\u00adat", "film"]),
        ("a=\u0338b c=d", ["a=\u0338b", "c", "d"]),
        ("😀 영화 good", ["😀", "영화", "good"]),
        ("don&#39;t <i>see</i> &lt;it&gt;", ["don&#39;t", "see", "it"]),
        ("gr<b>ea</b>t&hellip;film", ["gr<b>ea</b>t", "film"]),
        ("ｇｏｏｄ，film", ["ｇｏｏｄ", "film"]),
        ("?! \u200b …", []),
        ("", []),
    ],
)
def test_words_are_found_in_the_text_as_it_was_sent(text: str, words: list[str]) -> None:
    assert [text[start:end] for start, end in TOKENIZER.spans(text)] == words


def test_every_character_separates_words_where_the_ids_say_so() -> None:
    # The other planes are empty.
    characters = [chr(code) for code in [*range(1, 0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE1000)]]
    texts = [f"a{character}b" for character in characters]
    wrong = [
        text
        for text, encoded in zip(texts, TOKENIZER.encode(texts), strict=True)
        if len(TOKENIZER.spans(text)) != encoded.words
    ]
    assert wrong == []


def test_no_other_separator_is_made_a_letter_by_what_follows_it() -> None:
    marks = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
    separators = [*SEPARATORS.decode(), *"\u00a0\u2000\u2014\u201c\u2026\u037e\u1fef"]
    texts = [separator + mark for separator in separators for mark in marks]
    spans = [TOKENIZER.spans(text) for text in texts]
    whole = {text for text, found in zip(texts, spans, strict=True) if found == [(0, 2)]}
    assert whole == {"<\u0338", "=\u0338", ">\u0338"}
    assert [encoded.words for encoded in TOKENIZER.encode(texts)] == [len(found) for found in spans]
