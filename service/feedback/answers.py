"""Batches of remembered answers: many answers in one row of the database, as columns.

A row for each answer, with an index on random ids, costs a page of 4 kB to write; a batch costs 50 bytes an answer. A
request is found by the CRC-32 of its id, which SQLite looks for in the columns of all batches, and then by the id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from service.inference.predictor import ModelName, Prediction
from service.models.model_choice import Choice

Entry = tuple[str, Choice, Sequence[str] | None, Sequence[Prediction]]
"""Id of a request, its models, its texts if they are kept, and its predictions; a tuple, as each request makes one."""

Codes = Mapping[tuple[int, str], int]
"""Code of an answer by the identity of its `ModelName` and its label: twice the id of the version, and 1 for the
positive label."""

_ID_END, _TEXT_END = b"\n", b"\0"
"""No request id has a line end, and no valid text a NUL."""


@dataclass(frozen=True, slots=True)
class RememberedRequest:
    """The answers to one request.

    Attributes:
        second: Unix time of the answers.
        codes: code of each answer, in the order of the texts.
        probabilities: of the positive label, float32 values.
        texts: the texts, if they were kept.
    """

    second: int
    codes: Sequence[int]
    probabilities: Sequence[float]
    texts: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class AnswerBatch:
    """The answers to some requests, as they are stored.

    Attributes:
        began: Unix time of the oldest answer.
        answers: number of answers.
        keys: CRC-32 of each request id, uint32[requests].
        ids: request ids, separated by line ends.
        ends: position after the last answer of each request, uint32[requests].
        seconds: Unix time of the answers to each request, uint32[requests].
        codes: code of each answer, uint32[answers].
        probabilities: float32[answers].
        texts: texts in UTF-8, separated by NUL; None if they were not kept.
    """

    began: int
    answers: int
    keys: bytes
    ids: bytes
    ends: bytes
    seconds: bytes
    codes: bytes
    probabilities: bytes
    texts: bytes | None

    @classmethod
    def pack(cls, entries: Sequence[Entry], codes: Codes, second: int) -> Self:
        """Pack requests.

        Args:
            entries: the requests, at least one; either all have their texts or none has.
            codes: codes of their answers.
            second: Unix time of the answers.
        """
        predictions = list(chain.from_iterable(entry[3] for entry in entries))
        ids = [entry[0].encode() for entry in entries]
        texts = [entry[2] for entry in entries if entry[2] is not None]
        return cls(
            began=second,
            answers=len(predictions),
            keys=np.array([*map(crc32, ids)], "<u4").tobytes(),
            ids=_ID_END.join(ids),
            ends=np.array([*accumulate(len(entry[3]) for entry in entries)], "<u4").tobytes(),
            seconds=np.full(len(entries), second, "<u4").tobytes(),
            codes=np.array([codes[id(each.model), each.label] for each in predictions], "<u4").tobytes(),
            probabilities=np.array([each.probability for each in predictions], "<f4").tobytes(),
            texts=_TEXT_END.join(text.encode() for text in chain.from_iterable(texts)) if texts else None,
        )

    @classmethod
    def merge(cls, batches: Sequence[Self]) -> Self:
        """Put batches together, at least one; either all have texts or none has."""
        ends, before = [], 0
        for batch in batches:
            ends.append(_numbers(batch.ends) + np.uint32(before))
            before += batch.answers
        texts = [batch.texts for batch in batches if batch.texts is not None]
        return cls(
            began=min(batch.began for batch in batches),
            answers=before,
            keys=b"".join(batch.keys for batch in batches),
            ids=_ID_END.join(batch.ids for batch in batches),
            ends=np.concatenate(ends).tobytes(),
            seconds=b"".join(batch.seconds for batch in batches),
            codes=b"".join(batch.codes for batch in batches),
            probabilities=b"".join(batch.probabilities for batch in batches),
            texts=_TEXT_END.join(texts) if texts else None,
        )

    def find(self, request_id: str) -> RememberedRequest | None:
        """Find the last answers to a request id; None if there are none."""
        wanted = request_id.encode()
        ids = self.ids.split(_ID_END)
        index = next((index for index in reversed(range(len(ids))) if ids[index] == wanted), None)
        if index is None:
            return None
        ends = _numbers(self.ends)
        part = slice(int(ends[index - 1]) if index else 0, int(ends[index]))
        texts = None if self.texts is None else [text.decode() for text in self.texts.split(_TEXT_END)[part]]
        return RememberedRequest(
            second=int(_numbers(self.seconds)[index]),
            codes=_numbers(self.codes)[part].tolist(),
            probabilities=[float(str(each)) for each in np.frombuffer(self.probabilities, "<f4")[part]],
            texts=texts,
        )


def key_of(request_id: str) -> bytes:
    """Return the key of a request id, as it stands in the column of keys."""
    return crc32(request_id.encode()).to_bytes(4, "little")


def models_of(entries: Sequence[Entry]) -> list[ModelName]:
    """List the models that have answered requests."""
    models = {id(each.model): each.model for entry in entries for each in entry[3]}  # a name takes long to hash
    return [model for model in models.values() if model]


def labels_of(model: ModelName, entries: Sequence[Entry]) -> tuple[str, str]:
    """Return the labels, negative and positive, of a model that has answered one of the requests."""
    choice = next(entry[1] for entry in entries if any(each.model is model for each in entry[3]))
    return next(predictor.manifest.labels for predictor in choice.predictors if predictor.name == model)


def _numbers(column: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(column, "<u4")
