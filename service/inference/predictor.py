"""Texts to predictions: the use case that HTTP, the command line and everything else call."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.errors import BlankTextError, BundleError, InvalidTextError, TextTooLongError
from service.inference.bundle import Bundle, Manifest
from service.inference.first_layer import FirstLayer, first_layer
from service.inference.inputs import Batch
from service.inference.session import Session
from service.inference.tokenizer import Encoded, Tokenizer
from service.inference.tokenizers import TOKENIZERS


@dataclass(frozen=True, slots=True)
class ModelName:
    """A version of a model."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    def fields(self) -> dict[str, Any]:
        """As the `model` of an answer."""
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one text."""

    label: str
    probability: float  # of the positive label
    words: int  # or characters, if the model reads these (see `Encoded`)
    known_words: int  # of them, those the model has a vector for
    truncated: bool  # words were cut because the text is longer than the model reads
    model: ModelName | None = None  # that says it

    def fields(self) -> dict[str, Any]:
        """What it says, as the members of an answer."""
        return {
            "label": self.label,
            "probability": self.probability,
            "words": self.words,
            "known_words": self.known_words,
            "truncated": self.truncated,
        }


class Predictor:
    """One model version, ready to answer; safe to call from several threads."""

    def __init__(
        self,
        manifest: Manifest,
        precision: str,
        tokenizer: Tokenizer,
        session: Session,
        first_layer: FirstLayer | None = None,
    ) -> None:
        self.manifest = manifest
        self.name = ModelName(manifest.name, manifest.version)
        self.precision = precision
        self._tokenizer = tokenizer
        self._session = session
        self.first_layer = first_layer
        """None for a bundle that does not describe its layers."""

    @classmethod
    def load(cls, bundle: Bundle, precision: str) -> Self:
        """The predictor of a verified bundle.

        Raises:
            BundleError: its graph or its vocabulary cannot be used.
        """
        spec = bundle.manifest.tokenizer
        try:
            tokenizer = TOKENIZERS[spec.name](bundle.read_vocabulary(), spec)
        except ValueError as error:
            raise BundleError(f"{bundle.path / spec.vocabulary}: cannot be used: {error}.") from error
        return cls(bundle.manifest, precision, tokenizer, Session(bundle, precision), first_layer(bundle))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """A prediction for each text, in order. The texts have passed `check_text`."""
        encoded = self.encode(texts)
        return self.predictions(encoded, self._session.probabilities([text.token_ids for text in encoded]))

    # The steps of `predict` one by one, for the scheduler, which has other threads do the long one.

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """The texts as token ids."""
        return self._tokenizer.encode(texts)

    def batches(self, encoded: Sequence[Encoded]) -> list[Batch]:
        """The encoded texts as inputs of the graph."""
        return self._session.batches([text.token_ids for text in encoded])

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """Probabilities of a batch, float32[rows]: nearly all of the time that a prediction takes."""
        return self._session.run(batch)

    # What explanations need beyond them.

    @property
    def gives_logits(self) -> bool:
        """Whether the graph itself gives the logit; else it is made of the float32 probability."""
        return self._session.logit_name is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where the words of a text are (see `Tokenizer.spans`)."""
        return self._tokenizer.spans(text)

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Where in a word the characters of each of its ids are (see `Tokenizer.parts`)."""
        return self._tokenizer.parts(word)

    def run_logits(self, batch: Batch) -> NDArray[np.float32]:
        """Logits of a batch, float32[rows]; takes as long as `run` (see `Session.run_logits`)."""
        return self._session.run_logits(batch)

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Prediction]:
        """What the probabilities, float32[n], say of the n encoded texts."""
        maxlen, threshold, labels = self.manifest.input.maxlen, self.manifest.threshold, self.manifest.labels
        return [
            Prediction(
                label=labels[bool(probability >= threshold)],
                probability=float(str(probability)),  # the shortest decimal that names this float32
                words=text.words,
                known_words=text.known_words,
                truncated=len(text.token_ids) > maxlen,
                model=self.name,
            )
            for text, probability in zip(encoded, probabilities, strict=True)
        ]


def check_text(text: str, max_chars: int, pointer: str | None = None) -> None:
    """Refuses what is no text.

    Raises:
        TextTooLongError, BlankTextError, InvalidTextError: pointing to `pointer`.
    """
    if len(text) > max_chars:
        raise TextTooLongError(f"The text has {len(text):,} characters; at most {max_chars:,} are read.", pointer)
    if not text or text.isspace():
        raise BlankTextError("The text is blank; there is nothing to judge.", pointer)
    if "\0" in text:
        raise InvalidTextError(f"The text has a NUL at character {text.index(chr(0)) + 1}.", pointer)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidTextError(
                f"The text has half a surrogate pair at character {error.start + 1}, which is no character.", pointer
            ) from error
