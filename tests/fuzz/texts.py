"""Texts for the tokenizers of the committed models: what they give must agree, whatever the characters."""

from functools import cache

from hypothesis import example, given
from hypothesis import strategies as st

from service.inference.bundle import find_bundles, open_bundle
from service.inference.tokenizers import Tokenizer, create_tokenizer
from service.inference.tokenizers.normalization import align, is_blank, normalize
from tests.service.conftest import MODELS_DIR

_odd = st.sampled_from(
    [
        *(
            "<br />",
            "<br",
            "<b>",
            "</p>",
            "<a href='x'>",
            "&#39;",
            "&amp;amp;",
            "&#0;",
            "&#xd800;",
            "&#1114112;",
            "&lt",
        ),
        *("&nbsp;", "\u0301", "\u0316", "\u0301" * 40, "\u200b", "\u200d", "\ufeff", "\u3164", "\u115f", "\u1160"),
        *(
            "ｆｕｌｌ",
            "ﾡￂ",
            "ﾡￂﾡ",
            "ﾡￂﾡￂ",
            "ᄒ",
            "ᅡ",
            "ᆫ",
            "한",
            "각" * 3,
            "ㅋㅋㅋㅋ",
            "İ",
            "ß",
            "ﬁ",
            "\u0345",
            "\x1c",
            "\x85",
        ),
        *("don't", "it’s", "''", "...", "\t", "\n", " ", "\0", "\U0001f44d\U0001f3fd", "\U000e0061", "9" * 30),
    ]
)
texts = st.lists(_odd | st.text(max_size=6), max_size=20).map("".join)


@cache
def _tokenizers() -> list[Tokenizer]:
    bundles = [open_bundle(path) for path in find_bundles(MODELS_DIR)]
    return [create_tokenizer(bundle.read_vocabulary(), bundle.manifest.tokenizer) for bundle in bundles]


@given(texts, st.booleans())
@example("<b>" + "\u0301" * 40, False)
def normalized(text: str, line_breaks: bool) -> None:
    """Normalize and align alike."""
    aligned = align(text, line_breaks=line_breaks)
    assert aligned.text == normalize(text, line_breaks=line_breaks)
    assert len(aligned.starts) == len(aligned.ends) == len(aligned.text)
    assert all(0 <= start < end <= len(text) for start, end in zip(aligned.starts, aligned.ends, strict=True))
    assert text.strip() or is_blank(text)


@given(st.lists(texts, min_size=1, max_size=4))
def tokenized(many: list[str]) -> None:
    """Give a text the same ids alone and in company, and each word's ids in their order."""
    for tokenizer in _tokenizers():
        for text, together in zip(many, tokenizer.encode(many), strict=True):
            [alone] = tokenizer.encode([text])
            ids = alone.token_ids.tolist()
            assert ids == together.token_ids.tolist()
            assert (alone.words, alone.known_words) == (together.words, together.known_words)
            assert 0 <= alone.known_words <= alone.words
            spans = tokenizer.spans(text)
            places = [place for span in spans for place in span]
            assert places == sorted(places)
            words = [text[start:end] for start, end in spans]
            empty = tokenizer.encode([""])[0].token_ids.tolist()
            of_words = (
                [encoded.token_ids.tolist()[len(empty) :] for encoded in tokenizer.encode(words)] if words else []
            )
            assert ids == empty + [token_id for word in of_words for token_id in word]
            for word, word_ids in zip(words, of_words, strict=True):
                if word_ids:
                    parts = tokenizer.parts(word)
                    assert len(parts) == len(word_ids)
                    assert all(0 <= start <= end <= len(word) for start, end in parts)
