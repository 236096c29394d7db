"""The usual way: a FastAPI endpoint over the fixed-length graph, written as tutorials write it.

Same weights, same answers, same HTTP server; it pads every text to the model's length and runs it alone.
"""

import os
from pathlib import Path
from typing import cast

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from bench.inprocess import FixedLength
from service.inference.bundle import open_bundle
from service.inference.tokenizers.keras_imdb import KerasImdbSpec

BUNDLE, THREADS = "BENCH_BUNDLE", "BENCH_THREADS"
TO_SPACES = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


class Review(BaseModel):
    """The request."""

    text: str


def plain_token_ids(text: str, index: dict[str, int], spec: KerasImdbSpec) -> list[int]:
    """The token ids of a text by a plain loop over its words; `index` gives their ranks."""
    ids = [spec.start_id]
    for word in text.lower().translate(TO_SPACES).split():
        if word in index:
            token_id = index[word] + spec.index_from
            ids.append(token_id if token_id < spec.num_words else spec.oov_id)
    return ids


def create_app() -> FastAPI:
    """The application; the environment says which bundle, and how many threads a run may use (0: as many as cores)."""
    bundle = open_bundle(Path(os.environ[BUNDLE]))
    graph = FixedLength(bundle, int(os.environ.get(THREADS, "0")))
    spec = cast(KerasImdbSpec, bundle.manifest.tokenizer)
    index = {word: rank for rank, word in enumerate(bundle.read_vocabulary(), start=1)}
    app = FastAPI()

    @app.post("/predict")
    def predict(review: Review) -> dict[str, object]:
        ids = np.array(plain_token_ids(review.text, index, spec), np.int32)
        probability = float(graph.probabilities([ids])[0])
        return {"label": "positive" if probability >= 0.5 else "negative", "probability": probability}

    return app
