"""Token ids to probabilities: one ONNX graph in onnxruntime."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle, InputSpec

RUN_SIZE = 8
"""Texts that one run of the graph computes at most: more together win little, and mixed lengths lose by it."""


MAX_LOGIT = float(np.log(2.0**24 - 1))
"""Logit of the float32 next below 1, 16.6: what a probability of 1 counts for where the graph gives no logit."""

TokenIds = Sequence[int] | NDArray[np.int32]
"""The ids of one text."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the texts that were given, ready for one run.

    Attributes:
        rows: their positions among all that were given.
        token_ids: int32[len(rows), length], padded.
    """

    rows: list[int]
    token_ids: NDArray[np.int32]


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
        self._input = manifest.input
        self._output_name = manifest.output.name
        self.logit_name = manifest.output.logit
        self._pad_id = manifest.tokenizer.pad_id
        path = bundle.graph_path(precision)
        self._width = manifest.graphs[precision].input_shape[1]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception class for each way to fail
            raise BundleError(f"{path}: onnxruntime cannot load this graph: {_one_line(error)}.") from error
        inputs = [(i.name, i.type, len(i.shape), i.shape[-1]) for i in self._session.get_inputs()]
        length = self._width or (inputs[0][3] if inputs else None)  # a free length has a name of its own
        if inputs != [(self._input.name, f"tensor({self._input.dtype})", 2, length)]:
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
        """The texts as inputs of the graph, like lengths together: a batch costs what its longest text costs."""
        cut = [_cut(ids, self._input) for ids in token_ids]
        by_length = sorted(range(len(cut)), key=lambda position: len(cut[position]))
        groups = (by_length[start : start + RUN_SIZE] for start in range(0, len(cut), RUN_SIZE))
        return [Batch(rows, self._padded([cut[row] for row in rows])) for rows in groups]

    def run(self, batch: Batch) -> NDArray[np.float32]:
        """One run of the graph: a probability for each row of the batch, float32[rows]. Other threads go on."""
        output: NDArray[np.float32] = self._session.run([self._output_name], {self._input.name: batch.token_ids})[0]
        return output.reshape(-1)

    def outputs(self, batch: Batch, names: Sequence[str]) -> list[NDArray[np.float32]]:
        """One run of the graph for the outputs of these names."""
        computed: list[NDArray[np.float32]] = self._session.run(list(names), {self._input.name: batch.token_ids})
        return computed

    def run_logits(self, batch: Batch) -> NDArray[np.float32]:
        """As `run`, before the sigmoid: float32[rows].

        Where the graph has no such output they are those of the probabilities. These are as good as a float32 that is
        close to 1 can be, and none lies beyond `MAX_LOGIT`.
        """
        if self.logit_name:
            logits: NDArray[np.float32] = self._session.run([self.logit_name], {self._input.name: batch.token_ids})[0]
            return logits.reshape(-1)
        probabilities = np.clip(self.run(batch).astype(np.float64), 2.0**-24, 1 - 2.0**-24)
        return np.log(probabilities / (1 - probabilities)).astype(np.float32)

    def _padded(self, texts: Sequence[TokenIds]) -> NDArray[np.int32]:
        width = self._width or max(map(len, texts))
        batch = np.full((len(texts), width), self._pad_id, np.int32)
        for row, ids in zip(batch, texts, strict=True):
            if self._input.padding == "post":
                row[: len(ids)] = ids
            else:
                row[width - len(ids) :] = ids
        return batch

    def _warm_up(self, path: str) -> None:
        """Runs the shortest and the longest text and full batches, so that no caller pays for a first time."""
        shortest, longest = [self._pad_id + 1], [self._pad_id + 1] * self._input.maxlen
        for texts in ([shortest], [longest], [shortest] * RUN_SIZE, [longest] * RUN_SIZE):
            try:
                answer = self.probabilities(texts)
            except Exception as error:
                raise BundleError(f"{path}: the graph fails on a text: {_one_line(error)}.") from error
            if not ((answer >= 0) & (answer <= 1)).all():
                raise BundleError(f"{path}: the graph's answers are not probabilities.")


def _cut(token_ids: TokenIds, spec: InputSpec) -> TokenIds:
    if len(token_ids) <= spec.maxlen:
        return token_ids
    return token_ids[: spec.maxlen] if spec.truncating == "post" else token_ids[-spec.maxlen :]


def in_order(batches: Sequence[Batch], outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The outputs of batches, float32[n], in the order of the texts that the batches were made of."""
    answer = np.empty(sum(len(batch.rows) for batch in batches), np.float32)
    for batch, output in zip(batches, outputs, strict=True):
        answer[batch.rows] = output
    return answer


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
