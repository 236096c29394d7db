"""Files read by a format in chunks of any sizes, and answered without a model."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from hypothesis import strategies as st

from service.files.answering import Summary, answer
from service.files.formats import FORMATS
from service.files.reading import Reader
from service.files.record import Format, Options, Record
from service.inference.predictor import Prediction
from service.problems import problem_fields

PREDICTION = Prediction(label="positive", probability=0.75, words=2, known_words=1, truncated=False)
MEMBERS = '"label":"positive","probability":0.75,"words":2,"known_words":1,"truncated":false'


def cuts(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    """The data in chunks of these sizes, and the rest."""
    ends = [0, *accumulate(sizes), len(data)]
    return (data[start:end] for start, end in pairwise(ends) if start < len(data))


chunk_sizes = st.lists(st.integers(1, 9), max_size=40)


def read(
    name: str,
    data: bytes,
    sizes: Sequence[int] = (),
    compressed: bool = False,
    encoding: str | None = None,
    **options: Any,
) -> list[Record]:
    """The records of a file."""
    return records_of(FORMATS[name](Options(**options)), data, sizes, compressed, encoding)


def records_of(
    file_format: Format,
    data: bytes,
    sizes: Sequence[int] = (),
    compressed: bool = False,
    encoding: str | None = None,
) -> list[Record]:
    reader = Reader(file_format, compressed, encoding)
    records = [record for chunk in cuts(data, sizes) for record in reader.feed(chunk) if record]
    return records + [record for record in reader.finish() if record]


def answer_to(name: str, data: bytes, sizes: Sequence[int] = (), encoding: str | None = None, **options: Any) -> bytes:
    """The whole answer to a file of which every text gets `PREDICTION`."""
    file_format: Format = FORMATS[name](Options(**options))
    records = records_of(file_format, data, sizes, encoding=encoding)
    summary = Summary()
    predictions = [PREDICTION for record in records if not record.error]
    body = answer(file_format, records, predictions, problem_fields, summary)
    return file_format.head() + body + file_format.tail(summary.fields(file_format.notes))


def answered(name: str, data: bytes, sizes: Sequence[int] = (), encoding: str | None = None, **options: Any) -> str:
    """The same, of a file in UTF-8, as text."""
    return answer_to(name, data, sizes, encoding, **options).decode("utf-8", "replace")
