"""Which words of a text make its answer what it is: occlusion, the change when a word is taken out.

Nothing is estimated: a contribution is the logit of the text minus the logit of the text without those characters, both
as the model computes them. Only texts go in and only logits come out, so it serves every model. Contributions do not
add up to anything: two words that say the same each seem to do little, and two that only mean something together each
seem to do it all.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), for images; Li, Monroe
and Jurafsky, "Understanding Neural Networks through Representation Erasure" (2016), for words.
"""

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import TextTooLongError
from service.inference.inputs import Batch
from service.inference.phrases import Window, around, pairs, standing_alone
from service.inference.predictor import Prediction, Predictor
from service.inference.session import in_order
from service.inference.tokenizer import Encoded

MAX_WORDS = 2_000
"""Words that an explained text may have, unless the caller says otherwise."""

MAX_PHRASES = 10
"""Phrases that an explanation has at most, unless the caller says otherwise."""

TokenIds = NDArray[np.int32]
Explaining = Generator[Sequence[TokenIds], Sequence[float], "Explanation"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the text.

    Attributes:
        start: its first character in the text as it was given.
        end: the character after its last.
        contribution: the logit of the text minus the logit without this word: positive where the word makes the text
            more positive. 0 where the model does not read it.
        known: whether the model has a vector for it.
        used: whether it is in the part of the text that the model reads; the rest is cut off.
    """

    start: int
    end: int
    contribution: float
    known: bool
    used: bool


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that follow each other.

    Attributes:
        start: the first character of the first of them in the text as it was given.
        end: the character after the last of them.
        contribution: as that of a word, with all of them taken out at once.
    """

    start: int
    end: int
    contribution: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A text's answer and what it is made of.

    Attributes:
        prediction: of the text.
        logit: of the text: log(p / (1 - p)) of its probability.
        baseline: the logit of a text without words.
        contribution_sum: of the words. In general it is not `difference`.
        from_graph: whether the model itself gives logits. Else they are made of its float32 probabilities, which are
            coarse from about ±10 on and end at ±16.6, so that a word may seem to do nothing there.
        words: all of the text, in order.
        phrases: the strongest first; they do not overlap.
    """

    prediction: Prediction
    logit: float
    baseline: float
    contribution_sum: float
    from_graph: bool
    words: tuple[Word, ...]
    phrases: tuple[Phrase, ...]

    @property
    def difference(self) -> float:
        """What all words together do: the logit of the text minus that of a text without words."""
        return self.logit - self.baseline

    def as_dict(self, text: str) -> dict[str, Any]:
        """All of it for JSON, with the words themselves.

        Args:
            text: the one that was explained.
        """
        return {
            "prediction": self.prediction.fields(),
            "logit": self.logit,
            "baseline": self.baseline,
            "difference": self.difference,
            "contribution_sum": self.contribution_sum,
            "logit_from": "graph" if self.from_graph else "probability",
            "words": [{"word": text[word.start : word.end], **asdict(word)} for word in self.words],
            "phrases": [{"phrase": text[phrase.start : phrase.end], **asdict(phrase)} for phrase in self.phrases],
        }


class Logits:
    """The logits of token ids, in the steps that `scheduler.Predicts` asks for.

    Args:
        predictor: of the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def of(self, rows: Sequence[TokenIds]) -> list[float]:
        """A logit for each row of token ids, in order, computed here and now."""
        encoded = self.encode(rows)
        batches = self.batches(encoded)
        return self.predictions(encoded, in_order(batches, [self.run(batch) for batch in batches]))

    def encode(self, texts: Sequence[TokenIds]) -> list[Encoded]:
        """The rows, which are token ids already."""
        return [Encoded(token_ids, words=0, known_words=0) for token_ids in texts]

    def batches(self, encoded: Sequence[Encoded]) -> list[Batch]:
        """The rows as inputs of the graph."""
        return self._predictor.batches(encoded)

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Logits of a batch, float32[rows]."""
        return self._predictor.run_logits(batch)

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[float]:  # noqa: ARG002
        """The logits as numbers."""
        return [float(logit) for logit in probabilities]


def explain(predictor: Predictor, text: str, max_phrases: int = MAX_PHRASES, max_words: int = MAX_WORDS) -> Explanation:
    """What each word of a text contributes to its logit.

    Args:
        predictor: of the model.
        text: that has passed `check_text`.
        max_phrases: phrases to look for; without any it takes about a third of the time.
        max_words: words that the text may have.

    Raises:
        TextTooLongError: it has more.
    """
    [prediction] = predictor.predict([text])
    steps = explaining(predictor, text, prediction, max_phrases, max_words)
    logits = Logits(predictor)
    rows = next(steps)
    while True:
        try:
            rows = steps.send(logits.of(rows))
        except StopIteration as done:
            explanation: Explanation = done.value
            return explanation


def explaining(predictor: Predictor, text: str, prediction: Prediction, max_phrases: int, max_words: int) -> Explaining:
    """The steps of `explain` for whoever computes elsewhere: gives rows of token ids, and wants a logit for each.

    Args:
        predictor: of the model.
        text: that has passed `check_text`.
        prediction: of the text.
        max_phrases: phrases to look for.
        max_words: words that the text may have.

    Raises:
        TextTooLongError: it has more.
    """
    spans = predictor.spans(text)
    if len(spans) > max_words:
        raise TextTooLongError(f"The text has {len(spans):,} words; at most {max_words:,} are explained.", "/text")
    occlusion = _Occlusion(predictor, text, spans)
    alone: list[Window] = [(position, position + 1) for position in range(len(occlusion.read))]
    tried = alone + (pairs(len(alone)) if max_phrases else [])
    logit, baseline, *without = yield [
        occlusion.token_ids,
        occlusion.empty,
        *(occlusion.without(window) for window in tried),
    ]
    contributions = {window: logit - other for window, other in zip(tried, without, strict=True)}
    further = around(contributions, len(alone))
    if further:
        others = yield [occlusion.without(window) for window in further]
        contributions |= {window: logit - other for window, other in zip(further, others, strict=True)}
    words = occlusion.words([contributions[window] for window in alone])
    phrases = [
        Phrase(spans[occlusion.read[first]][0], spans[occlusion.read[after - 1]][1], contributions[first, after])
        for first, after in standing_alone(contributions, max_phrases)
    ]
    total = fsum(word.contribution for word in words)
    return Explanation(prediction, logit, baseline, total, predictor.gives_logits, words, tuple(phrases))


class _Occlusion:
    """A text whose words can be taken out.

    Only words that are `read` matter: they have token ids, and these are not all cut off. Without a word that is cut
    off the model reads the same ids as with it, on whichever side texts are cut. Without one that is read, of a text
    that is too long, another moves in: so it does in the text without that word, and so it is scored.

    Args:
        predictor: of the model.
        text: to be explained.
        spans: its words.
    """

    def __init__(self, predictor: Predictor, text: str, spans: Sequence[tuple[int, int]]) -> None:
        whole, empty, *alone = predictor.encode([text, "", *(text[start:end] for start, end in spans)])
        self.token_ids, self.empty = whole.token_ids, empty.token_ids
        self._spans = spans
        ids = [len(word.token_ids) - len(self.empty) for word in alone]
        ends = len(self.empty) + np.cumsum([0, *ids])
        self._ids = [*zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]  # of each word, in those of the text
        self._known = [word.known_words > 0 for word in alone]
        first, after = read_window(len(self.token_ids), predictor)
        # A word without ids is where the next one begins, or would.
        self._used = [
            (end > first or start == first) and (start < after or start == len(self.token_ids))
            for start, end in self._ids
        ]
        self.read = [position for position, used in enumerate(self._used) if used and ids[position]]

    def without(self, window: Window) -> TokenIds:
        """The token ids without words that are read, given as a range of positions in `read`."""
        first, after = window
        start, _ = self._ids[self.read[first]]
        _, end = self._ids[self.read[after - 1]]
        return np.concatenate((self.token_ids[:start], self.token_ids[end:]))

    def words(self, contributions: Sequence[float]) -> tuple[Word, ...]:
        """All words of the text.

        Args:
            contributions: of those that are read.
        """
        by_position = dict(zip(self.read, contributions, strict=True))
        return tuple(
            Word(start, end, by_position.get(position, 0.0), known, used)
            for position, ((start, end), known, used) in enumerate(
                zip(self._spans, self._known, self._used, strict=True)
            )
        )


def read_window(length: int, predictor: Predictor) -> tuple[int, int]:
    """The part of so many token ids that the model reads: its first and the one after its last."""
    spec = predictor.manifest.input
    if length <= spec.maxlen:
        return 0, length
    return (length - spec.maxlen, length) if spec.truncating == "pre" else (0, spec.maxlen)
