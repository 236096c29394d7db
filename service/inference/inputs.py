"""Token ids to the inputs of a graph: truncated, grouped by length, padded, with n-grams if the graph reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.batching import MAX_RUN_IDS, MAX_RUN_TEXTS, by_length
from service.inference.bundle import Bundle, one_line
from service.inference.ngrams import NgramTable
from service.inference.tokenizers import PAD_ID

TokenIds = Sequence[int] | NDArray[np.int32]
"""The ids of one text."""


@dataclass(frozen=True, slots=True)
class Run:
    """The arrays of one call of the graph, for some of the texts of a job.

    Attributes:
        rows: positions of these texts in the job.
        token_ids: int32[rows, length], padded.
        ngram_ids: int32[rows, any], padded; None if the graph does not read n-grams.
    """

    rows: list[int]
    token_ids: NDArray[np.int32]
    ngram_ids: NDArray[np.int32] | None = None


class Inputs:
    """Conversion of token ids to the inputs of a bundle's graphs.

    Args:
        bundle: a verified bundle.
        width: length of the graph's first input; None for any.

    Raises:
        BundleError: the file of n-grams cannot be used.
    """

    def __init__(self, bundle: Bundle, width: int | None = None) -> None:
        self._spec = bundle.manifest.input
        self._pad_id = bundle.manifest.tokenizer.pad_id
        self._width = width
        self._ngrams = _ngram_table(bundle)

    def extremes(self) -> list[Run]:
        """Make runs of the shortest and the longest text, alone and in full runs, with the last n-gram id in each."""
        shortest, longest = [self._pad_id + 1], [self._pad_id + 1] * self._spec.maxlen
        runs = []
        for texts in ([shortest], [longest], [shortest] * MAX_RUN_TEXTS, [longest] * MAX_RUN_TEXTS):
            run = self.runs(texts)[0]
            if self._ngrams and run.ngram_ids is not None:
                last = np.full((len(run.rows), 1), self._ngrams.last_id, np.int32)
                run = replace(run, ngram_ids=np.concatenate([run.ngram_ids, last], axis=1))
            runs.append(run)
        return runs

    def runs(self, token_ids: Sequence[TokenIds]) -> list[Run]:
        """Make the runs of texts, of like lengths each: every row of a run costs as much as its longest text.

        Args:
            token_ids: ids of each text; truncated to `maxlen` by the rule of the manifest.
        """
        cut = [ids[slice(*self._spec.window(len(ids)))] if self._spec.truncates(len(ids)) else ids for ids in token_ids]
        if len(cut) == 1:
            return [self._run([0], cut)]
        groups: list[list[int]] = []
        for row in by_length(cut):
            wanted = min(MAX_RUN_TEXTS, MAX_RUN_IDS // (self._width or len(cut[row])))
            if not groups or len(groups[-1]) >= wanted:
                groups.append([])
            groups[-1].append(row)
        return [self._run(rows, [cut[row] for row in rows]) for rows in groups]

    def _run(self, rows: list[int], texts: Sequence[TokenIds]) -> Run:
        padded = self._padded(texts)
        return Run(rows, padded, self._ngrams.look_up(padded) if self._ngrams else None)

    def _padded(self, texts: Sequence[TokenIds]) -> NDArray[np.int32]:
        if len(texts) == 1 and not self._width:
            return np.asarray(texts[0], np.int32).reshape(1, -1)
        width = self._width or max(map(len, texts))
        padded = np.full((len(texts), width), self._pad_id, np.int32)
        for row, ids in zip(padded, texts, strict=True):
            if self._spec.padding == "post":
                row[: len(ids)] = ids
            else:
                row[width - len(ids) :] = ids
        return padded


def _ngram_table(bundle: Bundle) -> NgramTable | None:
    spec = bundle.manifest.ngrams
    if spec is None:
        return None
    if bundle.manifest.input.padding != "post" or bundle.manifest.tokenizer.pad_id != PAD_ID:
        raise BundleError(f"{bundle.path}: n-grams are of texts that are padded with 0 on the right.")
    try:
        return NgramTable(bundle.read_ngrams(spec), spec.max_order, bundle.manifest.tokenizer.num_words)
    except ValueError as error:
        raise BundleError(f"{bundle.path / spec.file}: cannot be used: {one_line(error)}.") from error
