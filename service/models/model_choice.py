"""The model that answers each text of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.inference.batching import restored
from service.inference.languages import language_of
from service.inference.predictor import Prediction, Predictor


@dataclass(frozen=True, slots=True)
class Choice:
    """One model for all texts, or the model of each text's language.

    Attributes:
        default: the model; for `auto`, that of a text whose script tells no language.
        by_language: models by the language that they read (see `SCRIPTS`).
        auto: whether the text decides, so that each answer has to name its model.
    """

    default: Predictor
    by_language: Mapping[str, Predictor] = field(default_factory=dict)
    auto: bool = False

    @property
    def predictors(self) -> list[Predictor]:
        """All models of the choice, the default first."""
        return list(dict.fromkeys((self.default, *self.by_language.values())))

    @property
    def identity(self) -> str:
        """Name, version, precision and hash of the graph of each model: the probabilities depend on nothing else."""
        return "; ".join(predictor.identity for predictor in self.predictors)

    def of(self, text: str) -> Predictor:
        """Select the model of a text."""
        if not self.auto:
            return self.default
        return self.by_language.get(language_of(text) or "", self.default)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Compute a prediction for each text, in order, on the calling thread."""
        positions: list[int] = []
        predictions: list[Prediction] = []
        for predictor, share in self.shares(texts):
            positions += share
            predictions += predictor.predict([texts[position] for position in share])
        return restored(positions, predictions)

    def shares(self, texts: Sequence[str]) -> list[tuple[Predictor, list[int]]]:
        """Divide texts among the models: each model that answers any, with the positions of its texts."""
        shares: dict[int, tuple[Predictor, list[int]]] = {}
        for position, text in enumerate(texts):
            predictor = self.of(text)
            shares.setdefault(id(predictor), (predictor, []))[1].append(position)
        return list(shares.values())


def by_language(predictors: Sequence[Predictor]) -> dict[str, Predictor]:
    """Select the first model of each language."""
    models: dict[str, Predictor] = {}
    for predictor in predictors:
        models.setdefault(predictor.manifest.language, predictor)
    return models
