"""A look at the data before any model: the lecture's "Data EDA"."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.corpora import Corpus
from training.data import Split
from training.plots import length_picture

HISTOGRAM_BARS = 60
"""Up to the length that 1 % of the reviews exceed; they are in the last bar."""


def decode(token_ids: Sequence[int], names: Mapping[int, str], joint: str = " ") -> str:
    """A review as text again, from the names of its ids."""
    return joint.join(names[token_id] for token_id in token_ids)


def data_facts(train: Split, test: Split, maxlen: int) -> dict[str, Any]:
    """How many reviews there are, of which class, and how long, as plain JSON values.

    Args:
        train: reviews as lists of token ids, and labels.
        test: the same.
        maxlen: how many ids of a review the model reads.
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


def explore(corpus: Corpus, output: Path) -> str:
    """Writes `explore.json` and `lengths.svg` into a folder and returns the same findings as text."""
    num_words, maxlen, names = corpus.num_words, corpus.maxlen, corpus.names
    reviews, labels = corpus.train
    every = [review for split in (corpus.train, corpus.test) for review in split[0]]
    counts = Counter(token_id for review in every for token_id in review)
    kept = sum(count for token_id, count in counts.items() if token_id < num_words)
    found: dict[str, Any] = {
        **data_facts(corpus.train, corpus.test, maxlen),
        "empty": sum(len(review) <= 1 for review in every),
        "repeated": len(every) - len({tuple(review) for review in every}),
        corpus.units: {
            "in_index": sum(token_id >= corpus.first_id for token_id in names),
            "share_kept_by_num_words": kept / sum(counts.values()),
            "most_frequent": [[names[i], n] for i, n in counts.most_common(40) if i >= corpus.first_id][:30],
        },
        "samples": [
            {
                "label": int(labels[i]),
                "text": decode(reviews[i], names, corpus.joint),
                "as_the_model_reads_it": decode(
                    [t if t < num_words else 2 for t in reviews[i][-maxlen:]], names, corpus.joint
                ),
            }
            for i in range(3)
        ],
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "explore.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    length_picture(found["length"]).write(output)
    return _summary(found, corpus, output)


def _summary(found: dict[str, Any], corpus: Corpus, output: Path) -> str:
    reviews, length, words = found["reviews"], found["length"], found[corpus.units]
    frequent = ", ".join(word if word.strip() else "the blank" for word, _ in words["most_frequent"][:15])
    lines = [
        f"{reviews['train']:,} reviews to train and {reviews['test']:,} to test; "
        f"{found['classes']['positive']:,} positive, {found['classes']['negative']:,} negative.",
        f"A review has {length['mean']:.1f} token ids on average (standard deviation "
        f"{length['standard_deviation']:.1f}, half have {length['percentiles']['50']} or fewer, the longest "
        f"{length['longest']:,}); {length['share_over_maxlen']:.1%} have more than {corpus.maxlen}.",
        f"{found['empty']:,} are empty; {found['repeated']:,} say what another has said.",
        f"{words['in_index']:,} {corpus.units}; the ids below {corpus.num_words} cover "
        f"{words['share_kept_by_num_words']:.1%} "
        f"of all that is written. The most frequent: {frequent}.",
    ]
    for sample in found["samples"]:
        lines.append(f"A {('negative', 'positive')[sample['label']]} one: {sample['text'][:240]} ...")
        lines.append(f"  as the model reads its end: ... {sample['as_the_model_reads_it'][-240:]}")
    return "\n".join([*lines, f"Written to {output}: explore.json, lengths.svg"])
