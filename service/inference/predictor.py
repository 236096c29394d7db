"""A model that is ready to predict: texts to predictions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle, one_line
from service.inference.inputs import Run
from service.inference.manifest import REFERENCE
from service.inference.session import Session
from service.inference.tokenizers import Encoded, Tokenizer, create_tokenizer


@dataclass(frozen=True, slots=True)
class ModelName:
    """Name and version of a model."""

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    def fields(self) -> dict[str, Any]:
        """Return the members of `model` in an answer."""
        return {"name": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one text.

    Attributes:
        label: the more probable label, by the threshold of the manifest.
        probability: probability of the positive label.
        words: words of the text, or characters if the model reads these (see `Encoded`).
        known_words: those of them that the model has a vector for.
        truncated: whether words were cut because the text is longer than the model reads.
        model: the model that made the prediction.
    """

    label: str
    probability: float
    words: int
    known_words: int
    truncated: bool
    model: ModelName | None = None

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickle the values alone, in a third of the time that a dataclass with slots takes."""
        values = (self.label, self.probability, self.words, self.known_words, self.truncated, self.model)
        return type(self), values

    def fields(self) -> dict[str, Any]:
        """Return the members of the prediction in an answer."""
        return {
            "label": self.label,
            "probability": self.probability,
            "words": self.words,
            "known_words": self.known_words,
            "truncated": self.truncated,
        }


class Predictor:
    """A model version that is ready to predict; safe to call from several threads.

    Args:
        bundle: a verified bundle.
        precision: precision of the graph of `session`.
        tokenizer: tokenizer of the bundle.
        session: session of the bundle.
    """

    def __init__(self, bundle: Bundle, precision: str, tokenizer: Tokenizer, session: Session) -> None:
        self.manifest = bundle.manifest
        self.name = ModelName(bundle.manifest.name, bundle.manifest.version)
        self.precision = precision
        self._bundle = bundle
        self._tokenizer = tokenizer
        self._session = session
        self._reference: Session | None = None
        self._loading_reference = Lock()

    @classmethod
    def load(cls, bundle: Bundle, precision: str) -> Self:
        """Load the tokenizer and the graph of a bundle.

        Args:
            bundle: a verified bundle.
            precision: precision of the graph to load.

        Raises:
            BundleError: the graph or the vocabulary cannot be used.
        """
        spec = bundle.manifest.tokenizer
        try:
            tokenizer = create_tokenizer(bundle.read_vocabulary(), spec)
        except ValueError as error:
            raise BundleError(f"{bundle.path / spec.vocabulary}: cannot be used: {one_line(error)}.") from error
        return cls(bundle, precision, tokenizer, Session(bundle, precision))

    @property
    def identity(self) -> str:
        """Name, version, precision and hash of the graph."""
        graph = self.manifest.graphs[self.precision].file
        name, version = self.manifest.name, self.manifest.version
        return f"{name} {version}, {self.precision}, sha256 {self.manifest.files[graph]}"

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the precision and the manifest, which has those of all files: equal ones give equal answers."""
        return sha256(f"{self.precision} {self.manifest.model_dump_json()}".encode()).hexdigest()

    def reference(self) -> Session:
        """Return the session of the reference graph, which gives activations; load it at the first call.

        Raises:
            BundleError: the graph is not there or cannot be loaded.
        """
        with self._loading_reference:
            if self._reference is None:
                self._reference = Session(self._bundle, REFERENCE)
            return self._reference

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Compute a prediction for each text, in order, on the calling thread.

        Args:
            texts: texts that have passed `check_text`.
        """
        encoded = self.encode(texts)
        return self.predictions(encoded, self._session.probabilities([text.token_ids for text in encoded]))

    # The steps of `predict` one by one, for the scheduler, which calls `compute` on other threads.

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Convert texts to token ids."""
        return self._tokenizer.encode(texts)

    def runs(self, encoded: Sequence[Encoded]) -> list[Run]:
        """Make the runs of encoded texts."""
        return self._session.runs([text.token_ids for text in encoded])

    def seconds(self, run: Run) -> float:
        """Estimate the time of `compute` for a run."""
        return self._session.seconds(run)

    def compute(self, run: Run) -> NDArray[np.float32]:
        """Compute the probabilities of a run, float32[rows]: nearly all of the time of a prediction."""
        return self._session.compute(run)

    # Further steps, for explanations.

    @property
    def gives_logits(self) -> bool:
        """True if the graph has the logit as an output; else it is computed from the float32 probability."""
        return self._session.logit_name is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the places of the words in a text (see `Tokenizer.spans`)."""
        return self._tokenizer.spans(text)

    def parts(self, word: str) -> list[tuple[int, int]]:
        """Return the places of the characters of each id in a word (see `Tokenizer.parts`)."""
        return self._tokenizer.parts(word)

    def compute_logits(self, run: Run) -> NDArray[np.float32]:
        """Compute the logits of a run, float32[rows], in the time of `compute` (see `Session.compute_logits`)."""
        return self._session.compute_logits(run)

    def predictions(self, encoded: Sequence[Encoded], probabilities: NDArray[np.float32]) -> list[Prediction]:
        """Make the predictions for encoded texts.

        Args:
            encoded: n texts.
            probabilities: float32[n], in their order.
        """
        threshold, labels, spec = self.manifest.threshold, self.manifest.labels, self.manifest.input
        return [
            Prediction(
                label=labels[bool(probability >= threshold)],
                probability=float(str(probability)),  # the shortest decimal that names this float32
                words=text.words,
                known_words=text.known_words,
                truncated=spec.truncates(len(text.token_ids)),
                model=self.name,
            )
            for text, probability in zip(encoded, probabilities, strict=True)
        ]
