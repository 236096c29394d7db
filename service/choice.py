"""Which model answers which text of a request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.inference.languages import language_of
from service.inference.predictor import Prediction, Predictor
from service.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Choice:
    """One model for all texts, or for each the one of its language.

    Attributes:
        default: the model; with languages, that of a text whose script tells none of them.
        by_language: models by the language that they read (see `SCRIPTS`).
        auto: whether the texts decide, so that each answer has to say which model gave it.
    """

    default: Predictor
    by_language: Mapping[str, Predictor] = field(default_factory=dict)
    auto: bool = False

    def of(self, text: str) -> Predictor:
        """The model that answers a text."""
        if not self.auto:
            return self.default
        return self.by_language.get(language_of(text) or "", self.default)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """A prediction for each text, in order, computed here and now."""
        answers: list[tuple[list[int], list[Prediction]]] = []
        for predictor, positions in self._shares(texts):
            answers.append((positions, predictor.predict([texts[position] for position in positions])))
        return _in_order(answers)

    async def scheduled(self, scheduler: Scheduler, texts: Sequence[str], bulk: bool = False) -> list[Prediction]:
        """A prediction for each text, in order, by way of the scheduler (see `Scheduler.predict`).

        Raises:
            OverloadedError, ShuttingDownError: the scheduler takes no more.
        """
        if not self.auto:
            return await scheduler.predict(self.default, texts, bulk)
        answers: list[tuple[list[int], list[Prediction]]] = []
        for predictor, positions in self._shares(texts):
            own = [texts[position] for position in positions]
            answers.append((positions, await scheduler.predict(predictor, own, bulk)))
        return _in_order(answers)

    def _shares(self, texts: Sequence[str]) -> list[tuple[Predictor, list[int]]]:
        """Each model that has to answer, with the positions of its texts."""
        shares: dict[int, tuple[Predictor, list[int]]] = {}
        for position, text in enumerate(texts):
            predictor = self.of(text)
            shares.setdefault(id(predictor), (predictor, []))[1].append(position)
        return list(shares.values())


def _in_order(answers: Sequence[tuple[Sequence[int], Sequence[Prediction]]]) -> list[Prediction]:
    """Answers to texts of these positions, in the order of the positions."""
    placed = {p: answer for positions, own in answers for p, answer in zip(positions, own, strict=True)}
    return [placed[position] for position in range(len(placed))]


def by_language(predictors: Sequence[Predictor]) -> dict[str, Predictor]:
    """The first model of each language."""
    models: dict[str, Predictor] = {}
    for predictor in predictors:
        models.setdefault(predictor.manifest.language, predictor)
    return models
