"""A text inside the network: its token ids in the padded sequence, and the strongest filters of the first layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from service.errors import NoLayersError, TextTooLongError
from service.explain.first_layer import Match, strongest_filters
from service.inference.predictor import Predictor

MAX_FILTERS = 8
"""Largest number of filters that are returned."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token id, or the place of a word that has none.

    Attributes:
        start: the first character that it stands for in the text as it was given; None for an id that stands for no
            place in it, such as the one that begins every text.
        end: the character after its last; the same as `start` for the blank before a word of characters.
        token_id: None if the tokenizer passes over the word.
        known: whether the model has a vector for it.
        position: in the padded sequence; None if it has no id or is cut off.
    """

    start: int | None
    end: int | None
    token_id: int | None
    known: bool
    position: int | None


@dataclass(frozen=True, slots=True)
class Inside:
    """The input of the network, and the strongest filters of the first layer.

    Attributes:
        tokens: tokens of the text, in order.
        used: positions of the padded sequence that hold ids of the text.
        cut: ids of the text that are cut off.
        filters: the strongest first.
    """

    tokens: tuple[Token, ...]
    used: int
    cut: int
    filters: tuple[Match, ...]


def look_inside(predictor: Predictor, text: str, max_words: int) -> Inside:
    """Follow a text to the first layer and through it.

    Args:
        predictor: the model.
        text: text that has passed `check_text`.
        max_words: largest number of words of the text.

    Raises:
        NoLayersError: the model's bundle does not describe its layers.
        TextTooLongError: the text has more words.
    """
    if not predictor.manifest.layers:
        manifest = predictor.manifest
        raise NoLayersError(f"The bundle of {manifest.name} version {manifest.version} does not describe its layers.")
    spans = predictor.spans(text)
    if len(spans) > max_words:
        raise TextTooLongError(f"The text has {len(spans):,} words; at most {max_words:,} are looked at.", "/text")
    token_ids = predictor.encode([text])[0].token_ids
    first, after = predictor.manifest.input.window(len(token_ids))
    used = after - first
    filters = strongest_filters(predictor, token_ids, MAX_FILTERS)
    return Inside(tuple(_tokens(predictor, text, spans, len(token_ids))), used, len(token_ids) - used, tuple(filters))


def _tokens(predictor: Predictor, text: str, spans: list[tuple[int, int]], ids: int) -> Iterator[Token]:
    """Yield the tokens of a text.

    Args:
        predictor: the model.
        text: the text.
        spans: places of its words.
        ids: number of its token ids.
    """
    spec = predictor.manifest.input
    first, after = spec.window(ids)
    shift = (0 if spec.padding == "post" else spec.maxlen - (after - first)) - first
    empty, *words = predictor.encode(["", *(text[start:end] for start, end in spans)])
    numbers = count()

    def position() -> int | None:
        number = next(numbers)
        return number + shift if first <= number < after else None

    for token_id in empty.token_ids.tolist():
        yield Token(None, None, token_id, True, position())
    for (start, end), word in zip(spans, words, strict=True):
        own = word.token_ids[len(empty.token_ids) :].tolist()
        for token_id, (first_part, after_part) in zip(own, predictor.parts(text[start:end]), strict=False):
            known = token_id != predictor.manifest.tokenizer.oov_id
            yield Token(start + first_part, start + after_part, token_id, known, position())
        if not own:
            yield Token(start, end, None, False, None)
