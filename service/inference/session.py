"""Token ids to probabilities: one ONNX graph in onnxruntime."""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle
from service.inference.inputs import Batch, Inputs, TokenIds

MAX_LOGIT = float(np.log(2.0**24 - 1))
"""Logit of the float32 next below 1, 16.6: what a probability of 1 counts for where the graph gives no logit."""


class Session:
    """A loaded graph, checked against its manifest and warm.

    Args:
        bundle: a verified bundle.
        precision: which of its graphs to load.
        threads: threads that one run may use.

    Raises:
        BundleError: the graph is broken, or is not the one that the manifest describes.
    """

    def __init__(self, bundle: Bundle, precision: str, threads: int = 1) -> None:
        manifest = bundle.manifest
        self._input_name = manifest.input.name
        self._ngrams_name = manifest.ngrams.name if manifest.ngrams else None
        self._output_name = manifest.output.name
        self.logit_name = manifest.output.logit
        path = bundle.graph_path(precision)
        width = manifest.graphs[precision].input_shape[1]
        self._inputs = Inputs(bundle, width)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception class for each way to fail
            raise BundleError(f"{path}: onnxruntime cannot load this graph: {_one_line(error)}.") from error
        inputs = [(i.name, i.type, len(i.shape), _size(i.shape[-1])) for i in self._session.get_inputs()]
        described = {self._input_name: width, **({self._ngrams_name: None} if self._ngrams_name else {})}
        if inputs != [(name, "tensor(int32)", 2, length) for name, length in described.items()]:
            raise BundleError(f"{path}: its inputs are {inputs}, not those that the manifest describes.")
        promised = {name for name in (self._output_name, self.logit_name) if name}
        there = {output.name for output in self._session.get_outputs()}
        if not promised <= there <= promised | {layer.activations for layer in manifest.layers}:
            raise BundleError(f"{path}: its outputs are {sorted(there)}, not {sorted(promised)} as the manifest says.")
        self._warm_up(str(path))

    def probabilities(self, token_ids: Sequence[TokenIds]) -> NDArray[np.float32]:
        """Probability of the second label for each text, float32[n], in order.

        Args:
            token_ids: ids of each text; more than `maxlen` are cut as the manifest says.
        """
        batches = self.batches(token_ids)
        return in_order(batches, [self.run(batch) for batch in batches])

    def batches(self, token_ids: Sequence[TokenIds]) -> list[Batch]:
        """The texts as inputs of the graph (see `Inputs.batches`)."""
        return self._inputs.batches(token_ids)

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """One run of the graph: a probability for each row of the batch, float32[rows]. Other threads go on."""
        output: NDArray[np.float32] = self._session.run([self._output_name], self._feeds(batch))[0]
        return output.reshape(-1)

    def outputs(self, batch: Batch, names: Sequence[str]) -> list[NDArray[np.float32]]:
        """One run of the graph for the outputs of these names."""
        computed: list[NDArray[np.float32]] = self._session.run(list(names), self._feeds(batch))
        return computed

    def run_logits(self, batch: Batch) -> NDArray[np.float32]:
        """As `run`, before the sigmoid: float32[rows].

        Where the graph has no such output they are those of the probabilities. These are as good as a float32 that is
        close to 1 can be, and none lies beyond `MAX_LOGIT`.
        """
        if self.logit_name:
            logits: NDArray[np.float32] = self._session.run([self.logit_name], self._feeds(batch))[0]
            return logits.reshape(-1)
        probabilities = np.clip(self.run(batch).astype(np.float64), 2.0**-24, 1 - 2.0**-24)
        return np.log(probabilities / (1 - probabilities)).astype(np.float32)

    def _feeds(self, batch: Batch) -> dict[str, NDArray[np.int32]]:
        feeds = {self._input_name: batch.token_ids}
        if batch.ngram_ids is not None and self._ngrams_name:
            feeds[self._ngrams_name] = batch.ngram_ids
        return feeds

    def _warm_up(self, path: str) -> None:
        """Runs the shortest and the longest text and full batches, so that no caller pays for a first time."""
        for batch in self._inputs.extremes():
            try:
                answer = self.run(batch)
            except Exception as error:
                raise BundleError(f"{path}: the graph fails on a text: {_one_line(error)}.") from error
            if not ((answer >= 0) & (answer <= 1)).all():
                raise BundleError(f"{path}: the graph's answers are not probabilities.")


def in_order(batches: Sequence[Batch], outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The outputs of batches, float32[n], in the order of the texts that the batches were made of."""
    answer = np.empty(sum(len(batch.rows) for batch in batches), np.float32)
    for batch, output in zip(batches, outputs, strict=True):
        answer[batch.rows] = output
    return answer


def _size(dimension: int | str | None) -> int | None:
    """Of a tensor's dimension, None where any will do: a free one has a name."""
    return dimension if isinstance(dimension, int) else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
