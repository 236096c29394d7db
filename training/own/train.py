"""Train a model on a user's own labelled texts, from the file to the bundle and its card."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import open_bundle
from service.inference.tokenizers.tokenizer import Tokenizer
from training.data.data_set import TokenizerConfig
from training.data.labelled import Columns
from training.errors import DataError
from training.evaluate import Answers, metrics
from training.explore import data_facts
from training.export import Reference, write_bundle
from training.own.card import model_card
from training.own.comparisons import Comparison, base_bundle, compare, macro_f1, predicted_labels
from training.own.continued_graph import continued_graphs
from training.own.fit import Fitted, fit_ngrams
from training.own.graph import ngram_graphs
from training.own.recipe import MAX_ORDERS, OwnRecipe
from training.own.split import folds
from training.own.start import Start
from training.own.texts import OwnTexts, read_own_texts
from training.own.vocabulary import detect_language, make_tokenizer
from training.recipes import free_version
from training.report.record import RunRecord, run_pictures, write_report

_LIBRARIES = ("scikit-learn", "scipy", "onnx", "onnxruntime", "numpy")
MAX_TOKENS = 1_000
"""Token ids that a model of its own reads of a text."""


@dataclass(frozen=True)
class OwnOutcome:
    """Hold what training on own texts gives.

    Attributes:
        texts: cleaned.
        metrics: on the held-out texts.
        comparisons: figures of the majority label, of the base model and, for a continued model, of one from scratch.
        bundle: folder of the bundle.
        card: the model card.
    """

    texts: OwnTexts
    metrics: dict[str, Any]
    comparisons: list[Comparison]
    bundle: Path
    card: Path


@dataclass(frozen=True)
class _Side:
    """Hold the texts of one side of the split.

    Attributes:
        texts: raw.
        labels: 1 = positive, int64[n].
        groups: of the texts, or None.
    """

    texts: list[str]
    labels: NDArray[np.int64]
    groups: list[str] | None


@dataclass(frozen=True)
class _Fit:
    """Hold a fitted model and how it reads texts.

    Attributes:
        recipe: it was fitted by.
        config: of its tokenizer.
        tokenizer: the same.
        start: the model that it continues, or None.
        fitted: the weights.
    """

    recipe: OwnRecipe
    config: TokenizerConfig
    tokenizer: Tokenizer
    start: Start | None
    fitted: Fitted

    def token_ids(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return all token ids of each text."""
        return [encoded.token_ids for encoded in self.tokenizer.encode(texts)]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of the positive label of each text, float32[n]."""
        read = _cut(self.token_ids(texts), self.recipe)
        return self.fitted.model.probabilities(read, self.start.logits(texts) if self.start else None)


def train_own(
    file: Path,
    columns: Columns,
    name: str,
    models_dir: Path,
    positive_label: str | None = None,
    language: str = "auto",
    seed: int = 113,
    base: str | None = None,
    start_from: str | None = None,
) -> OwnOutcome:
    """Train on four fifths of the texts of a file, measure on the others, and write a bundle.

    Args:
        file: with the texts.
        columns: to read.
        name: of the model; its version is the next free one.
        models_dir: gets the bundle, its report and its card.
        positive_label: see `read_own_texts`.
        language: "en", "ko", or "auto" to tell it by the script.
        seed: of the split.
        base: `<name>/<version>` of a model in `models_dir` to compare with; None takes the one that training starts
            from, or the newest of the language.
        start_from: the model in `models_dir` to continue, see `Start.open`; None begins from scratch.

    Raises:
        DataError: the texts cannot be used, or not with that model.
        ExportError: the exported model differs from the fitted one.
    """
    own = read_own_texts(file, columns, positive_label)
    rows = folds(own.labels, own.groups, seed)[0]
    train, test = (_side(own, side) for side in rows)
    start = Start.open(models_dir, start_from) if start_from else None
    scratch = _recipe(own, columns, name, free_version(models_dir, name), seed, language)
    compared = base_bundle(models_dir, scratch.language, base or (str(start) if start else None))
    fit = _fit(_continued(scratch, start) if start else scratch, train, start)
    recipe, bundle = fit.recipe, models_dir / name / str(fit.recipe.model_version)
    whole = fit.token_ids(test.texts)
    model = fit.fitted.model
    exported = write_bundle(
        continued_graphs(model, recipe.maxlen, recipe.max_order, start)
        if start
        else ngram_graphs(model, recipe.max_order, recipe.maxlen),
        recipe,
        fit.config,
        Reference(
            probabilities=fit.probabilities(test.texts),
            texts=test.texts,
            labels=test.labels,
            lengths=np.array([len(ids) for ids in whole]),
            exact=list(range(len(test.texts))),
        ),
        _libraries(),
        bundle,
        _cross_validated(fit, train),
        own.label_names,
    )
    predicted = predicted_labels(open_bundle(bundle), test.texts)
    measured = exported.metrics | {"macro_f1": macro_f1(predicted, test.labels)}
    others = {"the more frequent label": np.full(len(predicted), int(test.labels.mean() >= 0.5))}
    if start:
        alone = _fit(scratch, train, None)
        answers = alone.probabilities(test.texts) >= alone.recipe.threshold
        others["from scratch"] = answers.astype(np.int64)
    if compared:
        others[f"{compared.manifest.name}/{compared.manifest.version}"] = predicted_labels(compared, test.texts)
    comparisons = compare(predicted, others, test.labels)
    read = _cut(fit.token_ids(train.texts), recipe)
    splits = [(_ragged(ids), side.labels) for ids, side in ((read, train), (whole, test))]
    record = RunRecord(measured, {}, data_facts(splits[0], splits[1], recipe.maxlen), recipe.as_dict(), _libraries())
    write_report(record, run_pictures(record), models_dir / name / "reports" / str(recipe.model_version))
    card = models_dir / name / "MODEL_CARD.md"
    manifest = open_bundle(bundle).manifest
    card.write_text(model_card(manifest, own, len(train.texts), measured, comparisons), encoding="utf-8")
    return OwnOutcome(own, measured, comparisons, bundle, card)


def _side(own: OwnTexts, rows: NDArray[np.int64]) -> _Side:
    numbers = rows.tolist()
    groups = None if own.groups is None else [own.groups[row] for row in numbers]
    return _Side([own.texts[row] for row in numbers], own.labels[rows], groups)


def _fit(recipe: OwnRecipe, train: _Side, start: Start | None) -> _Fit:
    """Fit the weights, with the tokenizer of the model that training starts from, or one made of the texts."""
    if start:
        config, tokenizer = start.config, start.tokenizer
    else:
        config, tokenizer = make_tokenizer(train.texts, recipe.language, recipe.max_words, recipe.min_count)
    read = _cut([encoded.token_ids for encoded in tokenizer.encode(train.texts)], recipe)
    base_logits = start.logits(train.texts) if start else None
    fitted = fit_ngrams(recipe, read, train.labels, train.groups, config.spec.num_words, base_logits)
    recipe = replace(recipe, threshold=fitted.threshold, strengths=(fitted.strength,))
    return _Fit(recipe, config, tokenizer, start, fitted)


def _cut(token_ids: Sequence[NDArray[np.int32]], recipe: OwnRecipe) -> list[NDArray[np.int32]]:
    """Leave of each text the ids that the model reads."""
    last = recipe.truncating == "pre"
    return [ids[-recipe.maxlen :] if last else ids[: recipe.maxlen] for ids in token_ids]


def _recipe(own: OwnTexts, columns: Columns, name: str, number: int, seed: int, language: str) -> OwnRecipe:
    language = detect_language(own.texts) if language == "auto" else language
    return OwnRecipe(
        model_name=name,
        model_version=number,
        description=f"N-gram weights fitted on {len(own.texts):,} labelled texts of {own.path.name}.",
        maxlen=MAX_TOKENS,
        padding="post",
        truncating="pre",
        seed=seed,
        threshold=0.5,
        file=own.path.name,
        text_column=columns.text,
        label_column=columns.label,
        group_column=columns.group,
        start_from=None,
        language=language,
        max_words=20_000,
        min_count=1,
        max_order=MAX_ORDERS[language],
        min_texts=2,
        strengths=(0.1, 1.0, 10.0, 100.0),
    )


def _continued(recipe: OwnRecipe, start: Start) -> OwnRecipe:
    """Return the recipe for a model that continues another.

    Raises:
        DataError: that one reads another language.
    """
    manifest = start.bundle.manifest
    if manifest.language != recipe.language:
        raise DataError(
            f"The texts are read as {recipe.language!r} and {start} reads {manifest.language!r}; "
            f"--language {manifest.language} if they are in that language."
        )
    return replace(
        recipe,
        description=f"{recipe.description.removesuffix('.')}, beside the answer of {start}.",
        maxlen=manifest.input.maxlen,
        truncating=manifest.input.truncating,
        start_from=str(start),
    )


def _cross_validated(fit: _Fit, train: _Side) -> dict[str, Any]:
    lengths = np.array([len(ids) for ids in _cut(fit.token_ids(train.texts), fit.recipe)])
    return metrics(Answers(fit.fitted.probabilities, train.labels, lengths), fit.recipe.threshold)


def _ragged(token_ids: Sequence[NDArray[np.int32]]) -> NDArray[np.object_]:
    array = np.empty(len(token_ids), object)
    array[:] = [ids.tolist() for ids in token_ids]
    return array


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _LIBRARIES}}
