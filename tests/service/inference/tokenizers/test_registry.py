"""A tokenizer that is one class and one line of the registry works from manifest to prediction."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.inference.tokenizers import TOKENIZERS, Encoded, TokenizerKind, TokenizerSpec
from tests.service.conftest import BAD, GOOD, BundleFolder


class LettersSpec(TokenizerSpec):
    counted: ClassVar[Literal["words", "characters"]] = "characters"

    name: Literal["letters"]
    negative: str


class LettersTokenizer:
    """Knows two letters, one of which the manifest names."""

    def __init__(self, vocabulary: Sequence[str], spec: LettersSpec) -> None:
        self._bad = vocabulary.index(spec.negative)

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        ids = [[BAD if ord(letter) - ord("a") == self._bad else GOOD for letter in text] for text in texts]
        return [Encoded(np.array(own, np.int32), len(own), len(own)) for own in ids]

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(place, place + 1) for place in range(len(text))]

    def parts(self, word: str) -> list[tuple[int, int]]:
        return self.spans(word)


@pytest.fixture
def letters(small: BundleFolder, monkeypatch: pytest.MonkeyPatch) -> BundleFolder:
    monkeypatch.setitem(TOKENIZERS, "letters", TokenizerKind(LettersSpec, LettersTokenizer))
    small.replace_file("vocabulary.txt", b"a\nb\n")
    spec = {**small.manifest()["tokenizer"], "name": "letters", "negative": "b"}
    del spec["index_from"]
    small.change_manifest(tokenizer=spec)
    return small


def test_a_registered_tokenizer_reads_its_own_settings_and_predicts(letters: BundleFolder) -> None:
    bundle = open_bundle(letters.path)
    assert bundle.manifest.model_dump()["tokenizer"]["negative"] == "b"
    good, bad = Predictor.load(bundle, "float32").predict(["aaa", "abb"])
    assert (good.label, good.words, bad.label) == ("positive", 3, "negative")


def test_the_settings_of_a_registered_tokenizer_are_validated(letters: BundleFolder) -> None:
    letters.change_manifest(tokenizer={**letters.manifest()["tokenizer"], "negative": 5})
    with pytest.raises(BundleError, match=r"tokenizer: letters\.negative: Input should be a valid string"):
        open_bundle(letters.path)


def test_without_its_line_the_tokenizer_is_refused_by_name(
    letters: BundleFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(TOKENIZERS, "letters")
    with pytest.raises(BundleError, match=r"no tokenizer 'letters'; there is 'keras-imdb', 'characters'"):
        open_bundle(letters.path)
