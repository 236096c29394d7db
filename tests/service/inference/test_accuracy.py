"""The committed model, from raw text through HTTP, is as good as its manifest says."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.server.application import create_app
from service.settings import Precision, Settings
from tests.service.conftest import MODELS_DIR


@pytest.mark.parametrize(("precision", "version"), [("int8", 1), ("int8", 3), ("float32", 3)])
def test_the_manifests_test_accuracy_is_found_again_through_predict(
    imdb_data_dir: Path, precision: Precision, version: int
) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["text", "label"])[25_000:]
    texts, labels = table["text"].to_pylist(), table["label"].to_pylist()
    assert len(texts) == 25_000
    correct = 0
    with TestClient(create_app(Settings(models_dir=MODELS_DIR, precision=precision))) as client:
        for start in range(0, len(texts), 1_000):
            response = client.post(f"/predict?version={version}", json={"texts": texts[start : start + 1_000]})
            said = [prediction["label"] == "positive" for prediction in response.json()["predictions"]]
            correct += sum(s == bool(is_) for s, is_ in zip(said, labels[start : start + 1_000], strict=True))
        [model] = [m for m in client.get("/models/imdb-conv1d").json()["models"] if m["version"] == version]
    # Some reviews have typography or markup that Keras's ids, on which the manifest's figures rest, do not know.
    found = pytest.approx(correct / 25_000, abs=2 / 25_000)
    assert model["precision_metrics"]["accuracy"] == found
    assert model["precision"] == precision
    if precision == "float32":
        assert model["metrics"]["test"]["accuracy"] == found
