"""What a negation makes of praise and of blame: the phrases of the rules, and the weights that they get."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from training.wide_deep import negation
from training.wide_deep.corpus import Corpus
from training.wide_deep.joining import length_powers
from training.wide_deep.negation import FADING, NEGATIVE, POSITIVE, RULES, Rule, fading, negation_weights

WORDS = ["", "", "", "", "not", "never", "very", "bad", "good", "it", "is"]
RULE = Rule("not never", "- very", ("bad dreadful", "good"), ("{}", "it is {}", "{} it is"))
MARGIN = 1.5


def encode(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Ids of words; 2 of an unknown one."""
    return [np.array([1, *(WORDS.index(word) if word in WORDS else 2 for word in text.split())]) for text in texts]


def key(phrase: str) -> int:
    return int(np.polyval(encode([phrase])[0][1:], 50))


def said(texts: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Logits that know two words and one pair: bad is -2, good is 1, and *not good* -3 more; *it is* says .25."""
    logits = []
    for ids in texts:
        words = [WORDS[number] for number in ids[1:]]
        logits.append(
            -2.0 * words.count("bad")
            + words.count("good")
            - 3.0 * ("not good" in " ".join(words))
            + 0.25 * ("it" in words)
        )
    return np.array(logits)


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """By the keys of their n-grams."""
    monkeypatch.setattr(negation, "RULES", (RULE,))
    wide = negation_weights(encode, said, 50, MARGIN)
    assert wide.biases.tolist() == [0]
    keys = np.concatenate(wide.features.keys)
    assert keys.tolist() == sorted(keys.tolist())
    assert [len(some) for some in wide.features.keys] == [0, 3, 4]
    return dict(zip(keys.tolist(), wide.weights[:, 0].tolist(), strict=True))


def test_negated_blame_is_praise_and_negated_praise_is_blame() -> None:
    assert {phrase.text: phrase.label for phrase in RULE.phrases()} == {
        **dict.fromkeys(["not bad", "not very bad", "never bad", "never very bad"], POSITIVE),
        **dict.fromkeys(["not dreadful", "not very dreadful", "never dreadful", "never very dreadful"], POSITIVE),
        **dict.fromkeys(["not good", "not very good", "never good", "never very good"], NEGATIVE),
    }


def test_what_is_said_with_a_weight_is_the_contrary_with_the_margin(weights: dict[int, float]) -> None:
    for phrase in RULE.phrases():
        if "dreadful" in phrase.text or phrase.text == "not good":
            continue
        texts = encode([frame.format(phrase.text) for frame in RULE.frames])
        now = said(texts) + weights[key(phrase.text)] * fading([len(ids) for ids in texts])
        assert now.mean() == pytest.approx(MARGIN if phrase.label == POSITIVE else -MARGIN)


def test_what_says_the_contrary_already_gets_nothing(weights: dict[int, float]) -> None:
    assert key("not good") not in weights


def test_a_phrase_with_an_unknown_word_is_left_out(weights: dict[int, float]) -> None:
    assert set(weights) == {
        key(phrase.text) for phrase in RULE.phrases() if "dreadful" not in phrase.text and phrase.text != "not good"
    }


def test_the_weights_are_found_in_texts(monkeypatch: pytest.MonkeyPatch, weights: dict[int, float]) -> None:
    monkeypatch.setattr(negation, "RULES", (RULE,))
    wide = negation_weights(encode, said, 50, MARGIN)
    texts = encode(["it is not bad", "bad not", "it is not very bad", "it is not very good it is never bad"])
    scores = wide.scores(Corpus(texts), 50)[:, 0]
    expected = [
        weights[key("not bad")],
        0,
        weights[key("not very bad")],
        weights[key("not very good")] + weights[key("never bad")],
    ]
    np.testing.assert_allclose(scores, expected)


def test_nothing_is_added_if_no_word_is_known() -> None:
    wide = negation_weights(lambda texts: [np.array([1, 2, 2]) for _ in texts], lambda _: np.zeros(0), 50, MARGIN)
    assert wide.weights.shape == (0, 1)
    assert wide.scores(Corpus([[1, 4, 7], [1]]), 50).tolist() == [[0], [0]]


def test_weights_fade_with_the_length() -> None:
    counted = fading(np.array([4, 8, 31, 81, 271, 1_000]))
    assert counted[1] == pytest.approx(1, abs=0.1)
    assert (np.diff(counted[:5]) < 0).all()
    assert (counted >= 0).all()
    assert counted[3:].max() < 0.15
    np.testing.assert_allclose(counted, length_powers(np.array([4, 8, 31, 81, 271, 1_000])) @ FADING)


def test_no_two_rules_contradict_each_other_and_none_has_more_words_than_a_weight_can_have() -> None:
    labels: dict[str, int] = {}
    for rule in RULES:
        for phrase in rule.phrases():
            assert labels.setdefault(phrase.text, phrase.label) == phrase.label, phrase
            assert 2 <= len(phrase.text.split()) <= 3
            assert phrase.text == phrase.text.lower()
    assert sorted(set(labels.values())) == [NEGATIVE, POSITIVE]
