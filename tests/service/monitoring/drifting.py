"""Reference histograms for small bundles."""

from typing import Any

from service.inference.histograms import FEATURES


def histograms_of_good_texts(texts: int = 1_000) -> dict[str, Any]:
    """Histograms of texts of which half are "good" and half "bad", one known word each, with its start id."""
    even = {"bounds": [0.5], "counts": [texts // 2, texts // 2]}
    known = {"bounds": [1.0], "counts": [0, texts]}
    length = {"bounds": [2.0, 3.0], "counts": [0, texts, 0]}
    return {
        "source": "good and bad texts",
        "texts": texts,
        **dict(zip(FEATURES, (even, length, known, even), strict=True)),
    }
