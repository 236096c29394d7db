"""Token ids to the inputs of a graph: cut, padded, like lengths together, with n-grams where the graph reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle, InputSpec
from service.inference.ngrams import NgramTable

RUN_SIZE, RUN_IDS = 32, 1_200
"""Texts that one run of the graph computes at most, and token ids, padding counted, unless one text has more. What a
run costs beside its ids is little for more of them; a small request waits for no more than one run."""

TokenIds = Sequence[int] | NDArray[np.int32]
"""The ids of one text."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the texts that were given, ready for one run.

    Attributes:
        rows: their positions among all that were given.
        token_ids: int32[len(rows), length], padded.
        ngram_ids: int32[len(rows), any], padded, where the graph reads them.
    """

    rows: list[int]
    token_ids: NDArray[np.int32]
    ngram_ids: NDArray[np.int32] | None = None


class Inputs:
    """What a bundle's graphs read.

    Args:
        bundle: a verified bundle.
        width: of the graph's first input; None if it takes any.

    Raises:
        BundleError: the file of n-grams cannot be used.
    """

    def __init__(self, bundle: Bundle, width: int | None = None) -> None:
        self._spec = bundle.manifest.input
        self._pad_id = bundle.manifest.tokenizer.pad_id
        self._width = width
        self._ngrams = _ngram_table(bundle)

    def extremes(self) -> list[Batch]:
        """The shortest and the longest text, alone and in full batches, with the last of the n-grams in each."""
        shortest, longest = [self._pad_id + 1], [self._pad_id + 1] * self._spec.maxlen
        batches = []
        for texts in ([shortest], [longest], [shortest] * RUN_SIZE, [longest] * RUN_SIZE):
            batch = self.batches(texts)[0]
            if self._ngrams and batch.ngram_ids is not None:
                last = np.full((len(batch.rows), 1), self._ngrams.last_id, np.int32)
                batch = replace(batch, ngram_ids=np.concatenate([batch.ngram_ids, last], axis=1))
            batches.append(batch)
        return batches

    def batches(self, token_ids: Sequence[TokenIds]) -> list[Batch]:
        """Texts ready for runs, like lengths together: a batch costs what its longest text costs.

        Args:
            token_ids: ids of each text; more than `maxlen` are cut as the manifest says.
        """
        cut = [_cut(ids, self._spec) for ids in token_ids]
        by_length = sorted(range(len(cut)), key=lambda position: len(cut[position]))
        groups: list[list[int]] = []
        for row in by_length:
            wanted = min(RUN_SIZE, RUN_IDS // (self._width or len(cut[row])))
            if not groups or len(groups[-1]) >= wanted:
                groups.append([])
            groups[-1].append(row)
        return [self._batch(rows, [cut[row] for row in rows]) for rows in groups]

    def _batch(self, rows: list[int], texts: Sequence[TokenIds]) -> Batch:
        padded = self._padded(texts)
        return Batch(rows, padded, self._ngrams.look_up(padded) if self._ngrams else None)

    def _padded(self, texts: Sequence[TokenIds]) -> NDArray[np.int32]:
        width = self._width or max(map(len, texts))
        batch = np.full((len(texts), width), self._pad_id, np.int32)
        for row, ids in zip(batch, texts, strict=True):
            if self._spec.padding == "post":
                row[: len(ids)] = ids
            else:
                row[width - len(ids) :] = ids
        return batch


def _cut(token_ids: TokenIds, spec: InputSpec) -> TokenIds:
    if len(token_ids) <= spec.maxlen:
        return token_ids
    return token_ids[: spec.maxlen] if spec.truncating == "post" else token_ids[-spec.maxlen :]


def _ngram_table(bundle: Bundle) -> NgramTable | None:
    spec = bundle.manifest.ngrams
    if spec is None:
        return None
    if bundle.manifest.input.padding != "post" or bundle.manifest.tokenizer.pad_id != 0:
        raise BundleError(f"{bundle.path}: n-grams are of texts that are padded with 0 on the right.")
    try:
        return NgramTable(bundle.read_ngrams(spec), spec.max_order, bundle.manifest.tokenizer.num_words)
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise BundleError(f"{bundle.path / spec.file}: cannot be used: {reason}.") from error
