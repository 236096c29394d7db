"""The graphs alone, without HTTP and without tokenizing: reviews a second."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.inference.bundle import Bundle, open_bundle
from service.inference.inputs import TokenIds
from service.inference.ngrams import NgramTable
from service.inference.predictor import Predictor
from service.inference.session import Session

ROUNDS = 5
USUAL_BATCH = 32


class FixedLength:
    """The reference graph as tutorials run it: every text padded to the full length.

    Args:
        bundle: with the graph.
        threads: that a run may use, 0 for as many as cores.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(bundle.graph_path("reference"), options)
        manifest = bundle.manifest
        self._maxlen, self._ngrams = manifest.input.maxlen, manifest.ngrams
        if self._ngrams is not None:
            keys = bundle.read_ngrams(self._ngrams)
            self._table = NgramTable(keys, self._ngrams.max_order, manifest.tokenizer.num_words)

    def probabilities(self, token_ids: Sequence[TokenIds]) -> NDArray[np.float32]:
        """Compute probabilities in batches of 32, float32[n]."""
        batch = np.zeros((len(token_ids), self._maxlen), np.int32)
        for row, ids in zip(batch, token_ids, strict=True):
            row[: len(ids[-self._maxlen :])] = ids[-self._maxlen :]
        parts = [batch[start : start + USUAL_BATCH] for start in range(0, len(batch), USUAL_BATCH)]
        return np.concatenate([self._session.run(["probability"], self._feeds(part))[0][:, 0] for part in parts])

    def _feeds(self, batch: NDArray[np.int32]) -> dict[str, NDArray[np.int32]]:
        if self._ngrams is None:
            return {"token_ids": batch}
        return {"token_ids": batch, self._ngrams.name: self._table.look_up(batch)}


def measure(bundle_path: Path, texts: Sequence[str], threads: int) -> dict[str, float]:
    """Reviews a second of each graph of the bundle; the graphs take turns, the median of their rounds counts."""
    bundle = open_bundle(bundle_path)
    token_ids = [text.token_ids for text in Predictor.load(bundle, "reference").encode(texts)]
    contenders: dict[str, FixedLength | Session] = {"fixed length": FixedLength(bundle, threads)}
    for precision in bundle.manifest.graphs:
        if precision != "reference":
            contenders[precision] = Session(bundle, precision, threads)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender.probabilities(token_ids)
            seconds[name].append(time.perf_counter() - started)
    return {name: len(texts) / float(np.median(times)) for name, times in seconds.items()}
