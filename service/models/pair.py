"""The pair of versions that a shadow compares."""

from dataclasses import dataclass

from service.inference.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Pair:
    """A version that answers, and the one that reads along.

    Attributes:
        answering: the version that most requests get.
        shadow: the version whose answers nobody sees.
        share: share of the answered texts that it should read.
    """

    answering: Predictor
    shadow: Predictor
    share: float

    @property
    def identity(self) -> str:
        """The identities of both models, on which the differences of their answers depend."""
        return f"{self.answering.identity} / {self.shadow.identity}"
