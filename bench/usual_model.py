"""The fixed-length graph as tutorials use it: a plain loop that tokenizes, padding to the model's length, one run.

`bench.usual` and the servers of `bench.peers` answer with it. It needs numpy, onnxruntime and pydantic, no HTTP server.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, cast

import numpy as np

from bench.inprocess import FixedLength
from service.inference.bundle import Bundle, open_bundle
from service.inference.tokenizers.keras_imdb import KerasImdbSpec

BUNDLE, THREADS = "BENCH_BUNDLE", "BENCH_THREADS"
TO_SPACES = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def plain_token_ids(text: str, index: dict[str, int], spec: KerasImdbSpec) -> list[int]:
    """The token ids of a text by a plain loop over its words; `index` gives their ranks."""
    ids = [spec.start_id]
    for word in text.lower().translate(TO_SPACES).split(" "):
        if word in index:
            token_id = index[word] + spec.index_from
            ids.append(token_id if token_id < spec.num_words else spec.oov_id)
    return ids


class UsualModel:
    """A bundle's reference graph from text to answer.

    Args:
        bundle: whose model reads words.
        threads: that a run may use, 0 for as many as cores.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        self._graph = FixedLength(bundle, threads)
        self._spec = cast(KerasImdbSpec, bundle.manifest.tokenizer)
        self._index = {word: rank for rank, word in enumerate(bundle.read_vocabulary(), start=1)}

    @classmethod
    def from_environment(cls) -> Self:
        """Open the bundle that the environment names, with as many threads as it says."""
        return cls(open_bundle(Path(os.environ[BUNDLE])), int(os.environ.get(THREADS, "0")))

    def token_ids(self, text: str) -> list[int]:
        """The token ids of a text."""
        return plain_token_ids(text, self._index, self._spec)

    def answers(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Compute the answers to a batch of texts, in their order."""
        ids = [np.array(self.token_ids(text), np.int32) for text in texts]
        return [
            {"label": "positive" if probability >= 0.5 else "negative", "probability": probability}
            for probability in self._graph.probabilities(ids).tolist()
        ]
