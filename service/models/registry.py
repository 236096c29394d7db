"""The models that are loaded, by name, version and label."""

from collections.abc import Iterator, Mapping

from service.errors import BundleError, InvalidRequestError, ModelNotFoundError
from service.inference.languages import AUTO
from service.inference.predictor import Predictor
from service.models.model_choice import Choice, by_language
from service.models.pair import Pair
from service.models.rollout import Rollout
from service.models.split import Split
from service.versions import Version

ModelKey = tuple[str, int]
"""A model's name and version."""


class Registry:
    """All loaded versions of all models, and who answers what. Immutable: a reload makes a new registry.

    Args:
        predictors: in the order of their names, and in rising order of version.
        default_name: name of the model for requests that name none; `auto` selects the model by the language of each
            text, and the first model for a text of unknown language.
        default_version: version of that model, or its label, whatever its rollout serves; None leaves it to the
            rollout.
        rollouts: rollouts by model; a model without one serves its highest version.

    Raises:
        BundleError: the default is not among the predictors.
    """

    def __init__(
        self,
        predictors: list[Predictor],
        default_name: str,
        default_version: Version | None = None,
        rollouts: Mapping[str, Rollout] | None = None,
    ) -> None:
        self._rollouts = rollouts or {}
        self._versions: dict[str, dict[int, Predictor]] = {}
        for predictor in predictors:
            manifest = predictor.manifest
            self._versions.setdefault(manifest.name, {})[manifest.version] = predictor
        is_auto = default_name == AUTO and bool(predictors)
        self.default_name = next(iter(self._versions)) if is_auto else default_name
        self._splits = {name: self._split(name) for name in self._versions}
        try:
            if default_version is not None:
                pinned = self.get(self.default_name, default_version)
                self._splits[self.default_name] = Split(self.default_name, {pinned: 1.0})
            self.default = self.get()
        except ModelNotFoundError as error:
            raise BundleError(f"The default model cannot be served: {error}") from error
        self.divides = any(split.divides for split in self._splits.values())
        """True if several versions of a model answer requests that name none."""
        self.pairs = {pair.answering: pair for pair in map(self.pair, self._versions) if pair}
        """Pairs that the shadows of all models compare, by the version that answers."""
        self._auto = self._by_language(None)
        self._unnamed = self._auto if is_auto else Choice(self.default)

    def __iter__(self) -> Iterator[Predictor]:
        for versions in self._versions.values():
            yield from versions.values()

    def get(self, name: str | None = None, version: Version | None = None) -> Predictor:
        """Return a model.

        Args:
            name: name of the model; None selects the default.
            version: version of the model, or its label; None selects the one that most requests get.

        Raises:
            ModelNotFoundError: there is no such model or version; the message lists those that exist.
        """
        name = self.default_name if name is None else name
        versions = self._versions.get(name)
        if versions is None:
            raise ModelNotFoundError(f"There is no model {name!r}; there is {', '.join(self._versions)}.")
        if version is None:
            return self._splits[name].main
        labels = self._labels(name)
        number = labels.get(version) if isinstance(version, str) else version
        if number in versions:
            return versions[number]
        there = ", ".join(map(str, versions)) + "".join(f", {label} ({labels[label]})" for label in labels)
        if number is not None and number != version:
            raise ModelNotFoundError(
                f"{version} is the label of version {number} of model {name}, which is not loaded; it has {there}."
            )
        raise ModelNotFoundError(f"Model {name} has no version {version}; it has {there}.")

    def choice(self, name: str | None = None, version: Version | None = None, key: str | None = None) -> Choice:
        """Select the model of a request, or for `auto` the model of each text's language.

        Args:
            name: name of the model; None selects the default, `auto` the model of each text's language.
            version: version of the model, or its label; None leaves it to the model's rollout.
            key: where the rollout divides requests, those with the same key get the same version.

        Raises:
            ModelNotFoundError: there is no such model or version.
            InvalidRequestError: a version is given without a model.
        """
        choice = self._unnamed if name is None else self._auto if name == AUTO else None
        if version is None and choice and not self.divides:
            return choice
        if choice and choice.auto:
            if version is None:
                return self._by_language(key)
            raise InvalidRequestError(f"Of which model is version {version} wanted? Name it: each text has its own.")
        if version is None:
            split = self._splits[self.get(name).name.name]
            return Choice(split.choose(key))
        return Choice(self.get(name, version))

    def versions(self, name: str) -> list[Predictor]:
        """List the loaded versions of a model.

        Raises:
            ModelNotFoundError: there is none.
        """
        self.get(name)
        return list(self._versions[name].values())

    def pair(self, name: str) -> Pair | None:
        """Return what the shadow of a model compares; None without a shadow that can.

        It cannot while its version is not loaded, or answers most requests itself.

        Raises:
            ModelNotFoundError: there is no such model.
        """
        self.get(name)
        rollout = self._rollouts.get(name)
        if rollout is None or rollout.shadow is None:
            return None
        answering = self._splits[name].main
        shadow = self._versions[name].get(rollout.number(rollout.shadow.version))
        if shadow is None or shadow is answering:
            return None
        return Pair(answering, shadow, rollout.shadow.share)

    def share(self, predictor: Predictor) -> float:
        """Return the share of a version in the requests that name the model and no version."""
        return self._splits[predictor.name.name].shares.get(predictor, 0.0)

    def labels(self, predictor: Predictor) -> list[str]:
        """List the labels of a version."""
        number = predictor.name.version
        return [label for label, labelled in self._labels(predictor.name.name).items() if labelled == number]

    def _labels(self, name: str) -> Mapping[str, int]:
        rollout = self._rollouts.get(name)
        return rollout.labels if rollout else {}

    def _split(self, name: str) -> Split:
        versions = self._versions[name]
        shares = self._rollouts.get(name, Rollout()).served(versions)
        return Split(name, {versions[number]: share for number, share in shares.items()})

    def _by_language(self, key: str | None) -> Choice:
        """Choose the version of every model for a request that lets each text decide."""
        chosen = {name: split.choose(key) for name, split in self._splits.items()}
        default = chosen[self.default_name]
        return Choice(default, by_language([default, *chosen.values()]), auto=True)
