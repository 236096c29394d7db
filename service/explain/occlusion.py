"""Occlusion: the contribution of a word is the change of the logit when the word is removed.

A contribution is computed, not estimated: the logit of the text minus the logit of the text without those characters.
The method needs only texts and logits, so it works with every model. Contributions do not add up: two words with the
same meaning each have a small contribution, and two that have a meaning only together each have the whole.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), for images; Li, Monroe
and Jurafsky, "Understanding Neural Networks through Representation Erasure" (2016), for words.
"""

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from math import fsum, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.errors import TextTooLongError
from service.explain.phrases import Window, around, pairs, standing_alone
from service.inference.inputs import Run
from service.inference.predictor import Prediction, Predictor
from service.inference.session import in_order
from service.inference.tokenizers import Encoded

MAX_WORDS = 2_000
"""Default of the largest number of words in an explained text."""

MAX_PHRASES = 10
"""Default of the largest number of phrases in an explanation."""

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
    """The prediction for a text, and the contributions of its words and phrases.

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
        """Return the contribution of all words together: the logit of the text minus that of a text without words."""
        return self.logit - self.baseline

    def as_dict(self, text: str) -> dict[str, Any]:
        """Return the explanation as members of JSON, with the words themselves.

        Args:
            text: the explained text.
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
    """Computation of the logits of token ids, in the steps of `scheduler.Predicts`.

    Args:
        predictor: the model.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def of(self, rows: Sequence[TokenIds]) -> list[float]:
        """Compute a logit for each row of token ids, in order, on the calling thread."""
        encoded = self.encode(rows)
        runs = self.runs(encoded)
        return self.predictions(encoded, in_order(runs, [self.compute(run) for run in runs]))

    def encode(self, texts: Sequence[TokenIds]) -> list[Encoded]:
        """Wrap rows of token ids as encoded texts."""
        return [Encoded(token_ids, words=0, known_words=0) for token_ids in texts]

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        """Make the runs of rows."""
        return self._predictor.runs(encoded)

    def seconds(self, run: Run) -> float:  # noqa: ARG002
        """Leave every run to a thread: an explanation has many."""
        return inf

    def compute(self, run: Run) -> NDArray[np.float32]:
        """Compute the logits of a run, float32[rows]."""
        return self._predictor.compute_logits(run)

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[float]:  # noqa: ARG002
        """Convert the logits, float32[n], to numbers."""
        return [float(logit) for logit in probabilities]


def explain(predictor: Predictor, text: str, max_phrases: int = MAX_PHRASES, max_words: int = MAX_WORDS) -> Explanation:
    """Compute the contribution of each word of a text to its logit.

    Args:
        predictor: the model.
        text: text that has passed `check_text`.
        max_phrases: largest number of phrases; with 0 it takes about a third of the time.
        max_words: largest number of words of the text.

    Raises:
        TextTooLongError: the text has more words.
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
    """Run the steps of `explain`, with the logits computed by the caller.

    Yields rows of token ids, and expects a logit for each row in return; returns the explanation.

    Args:
        predictor: the model.
        text: text that has passed `check_text`.
        prediction: prediction for the text.
        max_phrases: largest number of phrases.
        max_words: largest number of words of the text.

    Raises:
        TextTooLongError: the text has more words.
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
    """A text, with and without some of its words.

    Only the words in `read` matter: those with token ids that are not all cut off. To remove a word that is cut off
    changes nothing, on whichever side texts are cut. If a word that is read is removed from a text that is too long,
    the next one moves in, as it does when the text without that word is scored.

    Args:
        predictor: the model.
        text: text to explain.
        spans: places of its words.
    """

    def __init__(self, predictor: Predictor, text: str, spans: Sequence[tuple[int, int]]) -> None:
        whole, empty, *alone = predictor.encode([text, "", *(text[start:end] for start, end in spans)])
        self.token_ids, self.empty = whole.token_ids, empty.token_ids
        self._spans = spans
        ids = [len(word.token_ids) - len(self.empty) for word in alone]
        ends = len(self.empty) + np.cumsum([0, *ids])
        self._ids = [*zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]  # of each word, in those of the text
        self._known = [word.known_words > 0 for word in alone]
        self._spec = predictor.manifest.input
        first, after = self._spec.window(len(self.token_ids))
        # A word without ids is where the next one begins, or would.
        self._used = [
            (end > first or start == first) and (start < after or start == len(self.token_ids))
            for start, end in self._ids
        ]
        self.read = [position for position, used in enumerate(self._used) if used and ids[position]]

    def without(self, window: Window) -> TokenIds:
        """Return the token ids without some of the words that are read, truncated as the model does.

        Of a text much longer than the model reads, whole rows for thousands of windows would take gigabytes.

        Args:
            window: of the words, a range of positions in `read`.
        """
        start, _ = self._ids[self.read[window[0]]]
        _, end = self._ids[self.read[window[1] - 1]]
        removed = end - start
        first, after = self._spec.window(len(self.token_ids) - removed)
        before = self.token_ids[first : min(start, after)]
        behind = self.token_ids[max(end, first + removed) : after + removed]
        return np.concatenate((before, behind))

    def words(self, contributions: Sequence[float]) -> tuple[Word, ...]:
        """Return all words of the text.

        Args:
            contributions: contributions of the words in `read`.
        """
        by_position = dict(zip(self.read, contributions, strict=True))
        return tuple(
            Word(start, end, by_position.get(position, 0.0), known, used)
            for position, ((start, end), known, used) in enumerate(
                zip(self._spans, self._known, self._used, strict=True)
            )
        )
