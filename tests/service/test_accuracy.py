"""The committed model, from raw text through HTTP, is as good as its manifest says."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient


def test_the_manifests_test_accuracy_is_found_again_through_predict(committed: TestClient, imdb_data_dir: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text", "label"])[25_000:]
    texts, labels = table["text"].to_pylist(), table["label"].to_pylist()
    assert len(texts) == 25_000
    correct = 0
    for start in range(0, len(texts), 1_000):
        response = committed.post("/predict?version=1", json={"texts": texts[start : start + 1_000]})
        predictions = response.json()["predictions"]
        said = [prediction["label"] == "positive" for prediction in predictions]
        correct += sum(s == bool(is_) for s, is_ in zip(said, labels[start : start + 1_000], strict=True))
    [model] = [m for m in committed.get("/models/imdb-conv1d").json()["models"] if m["version"] == 1]
    assert correct / 25_000 == model["metrics"]["test"]["accuracy"]
