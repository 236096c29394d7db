import random
import re
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.inference.tokenizers.characters import CharactersSpec, CharacterTokenizer, _capitals
from service.inference.tokenizers.normalization import normalize
from service.inference.tokenizers.tokenizer import Encoded

VOCABULARY = [" ", "영", "화", "재", "미", "ㅋ", "a", ".", "é", "😀", "없"]


def spec(num_words: int = 13, lowercase: bool = True, longest_run: int | None = 3) -> CharactersSpec:
    return CharactersSpec(
        name="characters",
        vocabulary="vocabulary.txt",
        num_words=num_words,
        pad_id=0,
        start_id=1,
        oov_id=2,
        units="syllables",
        lowercase=lowercase,
        longest_run=longest_run,
    )


SPEC = spec()
TOKENIZER = CharacterTokenizer(VOCABULARY, SPEC)  # " " is 3, "영" 4, ..., "😀" 12; "없" is cut


def as_python(encoded: Encoded) -> tuple[list[int], int, int]:
    assert encoded.token_ids.dtype == np.int32
    return encoded.token_ids.tolist(), encoded.words, encoded.known_words


def one(text: str, tokenizer: CharacterTokenizer = TOKENIZER) -> tuple[list[int], int, int]:
    """Token ids, characters and known characters of a text that comes alone."""
    [encoded] = tokenizer.encode([text])
    return as_python(encoded)


def ids(text: str) -> list[int]:
    return one(text)[0]


def known_ids(vocabulary: list[str], spec: CharactersSpec) -> dict[str, int]:
    return {character: i for i, character in enumerate(vocabulary, start=3) if i < spec.num_words}


def plain_python(
    text: str, spec: CharactersSpec = SPEC, known: dict[str, int] | None = None
) -> tuple[list[int], int, int]:
    """The rules once more, one word and one character at a time."""
    known = known or known_ids(VOCABULARY, spec)
    token_ids, words, known_words = [1], 0, 0
    for word in normalize(text, line_breaks=True).split():
        characters = [c.lower() if spec.lowercase and len(c.lower()) == 1 else c for c in word]
        words += len(characters)
        known_words += sum(c in known for c in characters)
        longest = spec.longest_run or len(characters)
        token_ids.append(known.get(" ", 2))
        for place, c in enumerate(characters):
            if place < longest or set(characters[place - longest : place]) != {c}:
                token_ids.append(known.get(c, 2))
    return token_ids, words, known_words


def test_each_word_is_a_blank_and_its_characters() -> None:
    assert one("영화 재미") == ([1, 3, 4, 5, 3, 6, 7], 4, 4)


def test_a_character_beyond_num_words_is_as_unknown_as_one_outside_the_vocabulary() -> None:
    assert one("재미 없뷁") == ([1, 3, 6, 7, 3, 2, 2], 4, 2)


@pytest.mark.parametrize(
    "text", ["  영화 재미", "영화 재미\n", "영화\t재미", "영화 \u3000\u00a0 재미", "\x85영화      재미 "]
)
def test_white_space_at_the_ends_is_nothing_and_between_words_one_blank(text: str) -> None:
    assert ids(text) == [1, 3, 4, 5, 3, 6, 7]


def test_decomposed_text_gives_the_ids_of_composed_text() -> None:
    text = "영화 재미 é"
    decomposed = unicodedata.normalize("NFD", text)
    assert len(decomposed) > len(text)
    assert one(decomposed) == one(text)


def test_long_runs_of_a_character_are_cut_also_of_an_unknown_one_and_counted_whole() -> None:
    assert one("ㅋㅋㅋㅋㅋㅋ") == ([1, 3, 8, 8, 8], 6, 6)
    assert one("뷁뷁뷁뷁 뷁") == ([1, 3, 2, 2, 2, 3, 2], 5, 0)
    assert ids("뷁뷂뷃뷄") == [1, 3, 2, 2, 2, 2]
    assert ids("ㅋㅋ ㅋㅋ") == [1, 3, 8, 8, 3, 8, 8]
    assert one("ㅋㅋㅋㅋㅋㅋ", CharacterTokenizer(VOCABULARY, spec(longest_run=None)))[0] == [1, 3, *[8] * 6]
    assert one("ㅋㅋㅋaA", CharacterTokenizer(VOCABULARY, spec(longest_run=1)))[0] == [1, 3, 8, 9]


def test_characters_beyond_the_array_are_unknown_ones_of_their_own() -> None:
    tokenizer = CharacterTokenizer(VOCABULARY[:9], SPEC)
    assert len(tokenizer._numbers) < ord("🎬")
    assert one("🎬🎬🎬🎬", tokenizer) == ([1, 3, 2, 2, 2], 4, 0)
    assert one("🎬🎭🎪🎨", tokenizer) == ([1, 3, 2, 2, 2, 2], 4, 0)
    assert tokenizer.parts("🎬🎬🎬🎬🎭") == [(0, 0), (0, 1), (1, 2), (2, 3), (4, 5)]


def test_every_capital_is_read_as_its_own_lower_case() -> None:
    capitals, small = _capitals()
    lower = {code: chr(code).lower() for code in range(sys.maxunicode + 1)}
    expected = {code: ord(text) for code, text in lower.items() if len(text) == 1 and ord(text) != code}
    assert dict(zip(capitals.tolist(), small.tolist(), strict=True)) == expected


def test_capitals_are_read_as_the_spec_says() -> None:
    assert ids("AaÉ") == [1, 3, 9, 9, 11]
    assert one("AaÉ", CharacterTokenizer(VOCABULARY, spec(lowercase=False)))[0] == [1, 3, 2, 9, 2]


@pytest.mark.parametrize("text", ["", " ", "\n \u3000"])
def test_a_text_without_words_is_its_start_id_alone(text: str) -> None:
    assert one(text) == ([1], 0, 0)
    assert [as_python(e) for e in TOKENIZER.encode([text, "영", text, text, "화", text])][1::3] == [
        one("영"),
        one("화"),
    ]


CHARACTERS = st.one_of(
    st.sampled_from([*VOCABULARY, "\n", "\u3000", "\0", "A", "İ", "Σ", "ᄒ", "ᅡ", "ᆫ", "\u0301"]), st.characters()
)
TEXTS = st.lists(st.tuples(CHARACTERS, st.integers(1, 5)).map(lambda run: run[0] * run[1]), max_size=12).map("".join)
TEXTS = TEXTS.filter(lambda text: not re.search("[\ud800-\udfff]", text))


@given(TEXTS, st.booleans(), st.sampled_from([None, 1, 2, 3, 7]))
def test_the_array_agrees_with_the_rules_taken_one_character_at_a_time(
    text: str, lowercase: bool, longest_run: int | None
) -> None:
    these = spec(lowercase=lowercase, longest_run=longest_run)
    assert one(text, CharacterTokenizer(VOCABULARY, these)) == plain_python(text, spec=these)


@given(st.lists(TEXTS, max_size=6))
def test_many_texts_at_once_are_encoded_as_one_by_one(texts: list[str]) -> None:
    assert [as_python(e) for e in TOKENIZER.encode(texts)] == [one(text) for text in texts]


def test_batches_that_exceed_one_group_keep_their_order() -> None:
    texts = ["영화 "[i % 3] * (i % 5) + " 재미" * (i % 700) for i in range(500)]
    assert sum(map(len, texts)) > 5 * 65_536
    assert [as_python(e) for e in TOKENIZER.encode(texts)] == [plain_python(text) for text in texts]


def test_all_200_000_reviews_give_the_ids_of_the_plain_rules(
    nsmc_data_dir: Path,
) -> None:
    texts = [
        line.split("\t")[1]
        for split in ("train", "test")
        for line in (nsmc_data_dir / f"ratings_{split}.txt").read_bytes().decode().split("\n")[1:-1]
    ]
    assert len(texts) == 200_000
    vocabulary = [character for character, count in Counter("".join(texts[:150_000])).most_common() if count >= 5]
    these = spec(len(vocabulary) + 3)
    tokenizer = CharacterTokenizer(vocabulary, these)
    known = known_ids(vocabulary, these)
    expected = [plain_python(text, these, known) for text in texts]
    changed = [text for text in texts if normalize(text, line_breaks=True) != unicodedata.normalize("NFC", text)]
    assert len(changed) == 50  # full-width letters, soft hyphens, fillers and markup
    assert [as_python(encoded) for encoded in tokenizer.encode(texts)] == expected
    some = texts[::10]
    decomposed = [unicodedata.normalize("NFD", text) for text in some]
    assert sum(a != b for a, b in zip(some, decomposed, strict=True)) > 19_000
    assert [as_python(encoded) for encoded in tokenizer.encode(decomposed)] == expected[::10]
    for position in range(0, len(texts), 100):
        assert one(texts[position], tokenizer) == expected[position]


@given(TEXTS, st.randoms(use_true_random=False))
def test_without_the_characters_of_a_word_a_text_loses_its_ids_and_no_others(text: str, chance: random.Random) -> None:
    spans = TOKENIZER.spans(text)
    alone = [ids(text[a:b])[1:] for a, b in spans]
    assert ids(text) == [1, *(token_id for own in alone for token_id in own)]
    if not spans:
        return
    taken = chance.randrange(len(spans))
    start, end = spans[taken]
    expected = [1, *(token_id for place, own in enumerate(alone) if place != taken for token_id in own)]
    assert ids(text[:start] + text[end:]) == expected
    assert len(TOKENIZER.spans(text[:start] + text[end:])) == len(spans) - 1


def test_every_character_separates_words_where_the_ids_say_so() -> None:
    # The other planes are empty.
    characters = [chr(code) for code in [*range(0xD800), *range(0xE000, 0x40000), *range(0xE0000, 0xE1000)]]
    texts = [f"a{character}." for character in characters]
    wrong = [
        text
        for text, encoded in zip(texts, TOKENIZER.encode(texts), strict=True)
        if len(TOKENIZER.spans(text)) != encoded.token_ids.tolist().count(3)
    ]
    assert wrong == []


@given(TEXTS.filter(lambda text: bool(text.strip())))
def test_the_parts_of_a_word_are_as_many_as_its_ids_and_give_them(text: str) -> None:
    word = text.split(maxsplit=1)[0]
    parts = TOKENIZER.parts(word)
    own = ids(word)[1:]
    assert parts[0] == (0, 0)
    assert len(parts) == len(own)
    assert parts == sorted(parts)
    for token_id, (start, end) in zip(own[1:], parts[1:], strict=True):
        assert token_id in ids(word[start:end])


def test_the_parts_of_a_decomposed_word_are_its_syllables() -> None:
    word = unicodedata.normalize("NFD", "한글ㅋㅋㅋㅋé")
    parts = [unicodedata.normalize("NFC", word[start:end]) for start, end in TOKENIZER.parts(word)]
    assert parts == ["", "한", "글", "ㅋ", "ㅋ", "ㅋ", "é"]


@pytest.mark.parametrize(
    ("vocabulary", "message"), [(["a", "bc"], "'bc' is not one character"), ([""], "is not one"), (["a", "a"], "twice")]
)
def test_a_vocabulary_that_is_not_one_of_characters_is_refused(vocabulary: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CharacterTokenizer(vocabulary, SPEC)


@pytest.mark.parametrize("changes", [{"longest_run": 0}, {"units": "words"}, {"index_from": 3}, {"name": "keras-imdb"}])
def test_a_spec_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CharactersSpec.model_validate({**SPEC.model_dump(), **changes})
