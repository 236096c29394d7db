"""Look at the data before any model: the lecture's "Data EDA"."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from training.data.data_set import Reviews, Split, decode
from training.recipes import LABELS, Recipe
from training.report.plots import length_picture

HISTOGRAM_BARS = 60
"""Bars up to the length that 1 % of the reviews exceed; these are in the last bar."""
FREQUENT, SAMPLES = 30, 3
"""Words or characters, and reviews, that are shown."""
SPECIAL_IDS = 10
"""Upper bound of the number of ids that stand for no word or character."""


def data_facts(train: Split, test: Split, maxlen: int) -> dict[str, Any]:
    """Count the reviews, their classes and their lengths, as plain JSON values.

    Args:
        train: reviews as lists of token ids, and labels.
        test: the same.
        maxlen: number of ids of a review that the model reads.
    """
    labels = np.concatenate([train[1], test[1]])
    lengths = np.array([len(review) for split in (train, test) for review in split[0]])
    step = max(1, round(np.percentile(lengths, 99) / HISTOGRAM_BARS))
    bars = np.clip((lengths - 1) // step, 0, HISTOGRAM_BARS - 1)
    return {
        "reviews": {"train": len(train[1]), "test": len(test[1])},
        "classes": {"negative": int((labels == 0).sum()), "positive": int((labels == 1).sum())},
        "length": {
            "mean": float(lengths.mean()),
            "standard_deviation": float(lengths.std()),
            "percentiles": {str(p): int(np.percentile(lengths, p)) for p in (5, 25, 50, 75, 95, 99)},
            "longest": int(lengths.max()),
            "maxlen": maxlen,
            "share_over_maxlen": float((lengths > maxlen).mean()),
            "histogram": {"step": step, "reviews": np.bincount(bars).tolist()},
        },
    }


def explore(recipe: Recipe, data_dir: Path | None, output: Path) -> str:
    """Write `explore.json` and `lengths.svg` into a folder and return the same findings as text.

    Args:
        recipe: names the data set, and says which token ids and how many of them its network reads.
        data_dir: folder of the data set.
        output: folder to write to.

    Raises:
        DataError: the data set cannot be read.
    """
    data_set, num_words, maxlen = recipe.data_set, recipe.num_words, recipe.maxlen
    reviews = data_set.load(data_dir)
    every = [review for split in (reviews.train, reviews.test) for review in split[0]]
    counts = Counter(token_id for review in every for token_id in review)
    kept = sum(count for token_id, count in counts.items() if token_id < num_words)
    found: dict[str, Any] = {
        **data_facts(reviews.train, reviews.test, maxlen),
        "empty": sum(len(review) <= 1 for review in every),
        "repeated": len(every) - len({tuple(review) for review in every}),
        data_set.units: {
            "in_index": len(reviews.tokenizer_config.vocabulary),
            "share_kept_by_num_words": kept / sum(counts.values()),
            "most_frequent": _most_frequent(reviews, counts),
        },
        "samples": _samples(reviews, recipe),
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "explore.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    length_picture(found["length"]).write(output)
    return _summary(found, recipe, output)


def _most_frequent(reviews: Reviews, counts: Counter[int]) -> list[list[Any]]:
    """Return the most frequent words or characters with their counts; special ids are none."""
    vocabulary = set(reviews.tokenizer_config.vocabulary)
    named = ((reviews.token_names[token_id], count) for token_id, count in counts.most_common(FREQUENT + SPECIAL_IDS))
    return [[name, count] for name, count in named if name in vocabulary][:FREQUENT]


def _samples(reviews: Reviews, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the first training reviews as written, and as the network reads them."""
    oov_id, separator = reviews.tokenizer_config.spec.oov_id, recipe.data_set.separator
    samples = []
    for review, label in zip(reviews.train[0][:SAMPLES], reviews.train[1], strict=False):
        read = [token_id if token_id < recipe.num_words else oov_id for token_id in review[-recipe.maxlen :]]
        text, as_read = (decode(token_ids, reviews.token_names, separator) for token_ids in (review, read))
        samples.append({"label": int(label), "text": text, "as_the_model_reads_it": as_read})
    return samples


def _summary(found: dict[str, Any], recipe: Recipe, output: Path) -> str:
    reviews, length, units = found["reviews"], found["length"], found[recipe.data_set.units]
    frequent = ", ".join(name if name.strip() else "the blank" for name, _ in units["most_frequent"][:15])
    lines = [
        f"{reviews['train']:,} reviews to train and {reviews['test']:,} to test; "
        f"{found['classes']['positive']:,} positive, {found['classes']['negative']:,} negative.",
        f"A review has {length['mean']:.1f} token ids on average (standard deviation "
        f"{length['standard_deviation']:.1f}, half have {length['percentiles']['50']} or fewer, the longest "
        f"{length['longest']:,}); {length['share_over_maxlen']:.1%} have more than {recipe.maxlen}.",
        f"{found['empty']:,} are empty; {found['repeated']:,} repeat another one.",
        f"{units['in_index']:,} {recipe.data_set.units}; the ids below {recipe.num_words} cover "
        f"{units['share_kept_by_num_words']:.1%} of all that is written. The most frequent: {frequent}.",
    ]
    for sample in found["samples"]:
        lines.append(f"A {LABELS[sample['label']]} one: {sample['text'][:240]} ...")
        lines.append(f"  as the model reads its end: ... {sample['as_the_model_reads_it'][-240:]}")
    return "\n".join([*lines, f"Written to {output}: explore.json, lengths.svg"])
