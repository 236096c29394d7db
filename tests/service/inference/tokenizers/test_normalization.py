"""Texts are normalized as a person reads them, with the place of each character, in linear time."""

import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.inference.bundle import open_bundle
from service.inference.tokenizers import Tokenizer, create_tokenizer
from service.inference.tokenizers.normalization import MAX_MARKS, align, is_blank, normalize
from tests.service.conftest import MODELS_DIR

PIECES = ["a", " ", "e\u0301", "\u0301", "\u0316", "\u1112\u1161\u11ab", "ﾾￂﾤ", "ﾻ", "Ｇ", "\u200b", "\u3164", "é"]
MARKUP = ["&#39;", "&hearts;", "&nbsp;", "<b>", "</b>", "<p>", "<br />", "<", "&"]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES + MARKUP), st.characters(exclude_categories=["Cs"]))).map("".join)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("재미\u200b있다", "재미있다"),
        ("\ufeff영\u00ad화\ufe0f", "영화"),
        ("영화\u3164재미", "영화 재미"),
        ("ﾾￂﾤﾡￜ ﾻﾻﾻ", "한기 ㅋㅋㅋ"),
        ("ﾵￂﾤￂ", "사나"),
        ("ｱ ￜ", "ア ㅣ"),
        ("Ｇｏｏｄ！ ７점", "Good! 7점"),
        ("don&#39;t &amp; &hearts; &#x27;", "don't & ♥ '"),
        ("R&B; AT&T &nosuch; &#;", "R&B; AT&T &nosuch; &#;"),
        ("<p class='x'>good</p>", " good "),
        ("ve<B>r</B>y good<br>film", "very good\nfilm"),
        ("<3 a<b <good film> <br", "<3 a<b <good film> <br"),
        ("&lt;b&gt;", "<b>"),
        ("e\u200b\u0301", "é"),
        (unicodedata.normalize("NFD", "한글 é"), "한글 é"),
    ],
)
def test_a_text_is_normalized_as_a_person_reads_it(written: str, read: str) -> None:
    assert normalize(written, line_breaks=True) == read


def test_marks_beyond_the_bound_are_dropped_and_others_kept() -> None:
    marks = "\u0301" * MAX_MARKS
    assert normalize(f"x{marks}\u0316\u0301 y", line_breaks=True) == f"x{marks} y"
    assert normalize("😀" * 100 + "e\u0301", line_breaks=True) == "😀" * 100 + "é"


@given(TEXTS, st.booleans())
def test_the_aligned_text_is_the_normalized_text(text: str, line_breaks: bool) -> None:
    aligned = align(text, line_breaks=line_breaks)
    assert aligned.text == normalize(text, line_breaks=line_breaks)
    assert len(aligned.starts) == len(aligned.ends) == len(aligned.text)
    assert aligned.starts == sorted(aligned.starts)
    assert all(0 <= start < end <= len(text) for start, end in zip(aligned.starts, aligned.ends, strict=True))


def test_each_character_has_its_place_in_the_original() -> None:
    text = "ca<b>fe\u0301</b> &#39;ﾾￂﾤ"
    aligned = align(text, line_breaks=True)
    pieces = [text[start:end] for start, end in zip(aligned.starts, aligned.ends, strict=True)]
    assert aligned.text == "café '한"
    assert pieces == ["c", "a", "f", "e\u0301", " ", "&#39;", "ﾾￂﾤ"]


@pytest.mark.parametrize(
    "text",
    ["", " \n", "\u200b", "\u3164\u2800", "\ufeff\u00ad", "&nbsp;&#8203;", "<p></p> <br />", "\u202e", "\x01\x85"],
)
def test_a_text_with_nothing_visible_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "😀", "\u200b.", "<>", "&", "&amp;", "<p>x</p>", "ㅋ", "ﾻ", "\u0301"])
def test_a_text_with_something_visible_is_not_blank(text: str) -> None:
    assert not is_blank(text)


# Each is repeated to the length wanted. What was quadratic before: marks in the wrong order.
HOSTILE: dict[str, Callable[[int], str]] = {
    "marks in the wrong order": lambda n: "a" + "\u0301" * (n // 2) + "\u0316" * (n // 2),
    "marks in order": lambda n: "a" + "\u0316" * (n // 2) + "\u0301" * (n // 2),
    "marks between invisible characters": lambda n: "a" + "\u0301\u200b" * (n // 4) + "\u0316\u200b" * (n // 4),
    "marks from character references": lambda n: "a" + "&#769;" * (n // 12) + "&#790;" * (n // 12),
    "marks of two": lambda n: "a" + "\u0344\u0316" * (n // 2),
    "syllables of half-width jamo": lambda n: "ﾾￂ" * (n // 2),
    "conjoining jamo": lambda n: "\u1112\u1161\u11ab" * (n // 3),
    "open tags": lambda n: "<b " * (n // 3),
    "an endless tag": lambda n: "<b" + " /" * (n // 2),
    "ampersands": lambda n: "&" * n,
    "an endless reference": lambda n: "&" + "a" * n,
    "one word": lambda n: "é" * n,
    "words": lambda n: "é " * (n // 2),
    "symbols": lambda n: "€" * n,
}


@pytest.fixture(scope="module", params=["imdb-conv1d/3", "nsmc-conv1d/2"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    bundle = open_bundle(MODELS_DIR / request.param)
    return create_tokenizer(bundle.read_vocabulary(), bundle.manifest.tokenizer)


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("step", ["encode", "spans", "parts"])
def test_tokenizing_takes_time_linear_in_the_length_of_any_text(
    tokenizer: Tokenizer, hostile: Callable[[int], str], step: str
) -> None:
    run: Callable[[str], object] = {
        "encode": lambda text: tokenizer.encode([text]),
        "spans": tokenizer.spans,
        "parts": tokenizer.parts,
    }[step]
    short, long = (min(_cpu_seconds(run, hostile(size)) for _ in range(2)) for size in (4_000, 32_000))
    assert long < 0.01 + 8 * 2.5 * short  # eight times as long; a quadratic step takes 64 times the time


def _cpu_seconds(run: Callable[[str], object], text: str) -> float:
    before = time.thread_time()
    run(text)
    return time.thread_time() - before
