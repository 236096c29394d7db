"""Token ids to probabilities: one ONNX graph in onnxruntime."""

import timeit
from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle, one_line
from service.inference.inputs import Inputs, Run, TokenIds

MAX_LOGIT = float(np.log(2.0**24 - 1))
"""Logit of the float32 next below 1, 16.6: the logit of a probability of 1 if the graph has no logit output."""


class Session:
    """A loaded graph, checked against its manifest and warmed up.

    Args:
        bundle: a verified bundle.
        precision: precision of the graph to load.
        threads: threads of one run.

    Raises:
        BundleError: the graph is broken, or the manifest describes another one.
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
        # The file of the graph itself is named as the folder of external data: as no file can lie in it, a graph with
        # weights in other files, whose hashes nobody checks, is refused.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path))
        graph = bundle.read(path.name)
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has an exception class for each way to fail
            raise BundleError(f"{path}: onnxruntime cannot load this graph: {one_line(error)}.") from error
        self._session._model_bytes = None  # a second copy of the weights, which onnxruntime keeps for nothing
        inputs = [(i.name, i.type, len(i.shape), _size(i.shape[-1])) for i in self._session.get_inputs()]
        described = {self._input_name: width, **({self._ngrams_name: None} if self._ngrams_name else {})}
        if inputs != [(name, "tensor(int32)", 2, length) for name, length in described.items()]:
            raise BundleError(f"{path}: its inputs are {inputs}, not those that the manifest describes.")
        promised = {name for name in (self._output_name, self.logit_name) if name}
        there = {output.name for output in self._session.get_outputs()}
        if not promised <= there <= promised.union(*(layer.graph_outputs for layer in manifest.layers)):
            raise BundleError(f"{path}: its outputs are {sorted(there)}, not {sorted(promised)} as the manifest says.")
        self._warm_up(str(path))

    def probabilities(self, token_ids: Sequence[TokenIds]) -> NDArray[np.float32]:
        """Compute the probability of the second label for each text, float32[n], in order.

        Args:
            token_ids: ids of each text; truncated to `maxlen` by the rule of the manifest.
        """
        runs = self.runs(token_ids)
        return in_order(runs, [self.compute(run) for run in runs])

    def runs(self, token_ids: Sequence[TokenIds]) -> list[Run]:
        """Make the runs of texts (see `Inputs.runs`)."""
        return self._inputs.runs(token_ids)

    def seconds(self, run: Run) -> float:
        """Estimate the time of `compute` for a run, by what the runs of the warm-up took."""
        return self._seconds_a_run + self._seconds_an_id * run.token_ids.size

    def compute(self, run: Run) -> NDArray[np.float32]:
        """Compute the probabilities of a run, float32[rows]. Python's lock is free meanwhile."""
        output: NDArray[np.float32] = self._session.run([self._output_name], self._feeds(run))[0]
        return output.reshape(-1)

    def outputs(self, run: Run, names: Sequence[str]) -> list[NDArray[np.float32]]:
        """Compute the outputs of these names for a run."""
        computed: list[NDArray[np.float32]] = self._session.run(list(names), self._feeds(run))
        return computed

    def compute_logits(self, run: Run) -> NDArray[np.float32]:
        """Compute the logits of a run, float32[rows]: the input of the sigmoid.

        If the graph has no such output, they are computed from the probabilities, with the accuracy of a float32 close
        to 1, and limited to `MAX_LOGIT`.
        """
        if self.logit_name:
            logits: NDArray[np.float32] = self._session.run([self.logit_name], self._feeds(run))[0]
            return logits.reshape(-1)
        probabilities = np.clip(self.compute(run).astype(np.float64), 2.0**-24, 1 - 2.0**-24)
        return np.log(probabilities / (1 - probabilities)).astype(np.float32)

    def _feeds(self, run: Run) -> dict[str, NDArray[np.int32]]:
        feeds = {self._input_name: run.token_ids}
        if run.ngram_ids is not None and self._ngrams_name:
            feeds[self._ngrams_name] = run.ngram_ids
        return feeds

    def _warm_up(self, path: str) -> None:
        """Compute the shortest and the longest text, and full runs, so that no request pays for a first time."""
        runs = self._inputs.extremes()
        for run in runs:
            try:
                answer = self.compute(run)
            except Exception as error:
                raise BundleError(f"{path}: the graph fails on a text: {one_line(error)}.") from error
            if not ((answer >= 0) & (answer <= 1)).all():
                raise BundleError(f"{path}: the graph's answers are not probabilities.")
        shortest, longest, *_ = runs
        self._seconds_a_run = self._timed(shortest)
        self._seconds_an_id = self._timed(longest) / longest.token_ids.size

    def _timed(self, run: Run) -> float:
        """Return the least time that a run takes, in seconds."""
        return min(timeit.repeat(lambda: self.compute(run), number=1, repeat=3))


def in_order(runs: Sequence[Run], outputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Join the outputs of runs in the order of their texts, float32[n].

    Args:
        runs: all runs of n texts.
        outputs: float32[rows] of each run.
    """
    if len(runs) == 1 == len(outputs[0]):  # most are of one text
        return outputs[0]
    answer = np.empty(sum(len(run.rows) for run in runs), np.float32)
    for run, output in zip(runs, outputs, strict=True):
        answer[run.rows] = output
    return answer


def _size(dimension: int | str | None) -> int | None:
    """Return the size of a dimension; None for a free one, which has a name."""
    return dimension if isinstance(dimension, int) else None
