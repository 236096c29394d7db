"""`text/plain`: one text a line, answered in NDJSON."""

import json
from collections.abc import Iterator
from typing import Any

from service.errors import BlankTextError, LineTooLongError, RequestError
from service.files.record import MODEL, NAMES, Options, Position, Record, decode
from service.files.splitting import Line, Splitter
from service.inference.predictor import Prediction, check_text


class PlainFormat:
    """Lines of text.

    A blank line is an error in its place; blank lines at the end of the file are nothing at all.

    Args:
        options: `prefix` and the limits are used.
        start: where in the file reading begins.
    """

    answer_media_type = "application/x-ndjson"

    def __init__(self, options: Options, start: Position | None = None) -> None:
        self._max_text_chars = options.max_text_chars
        self._max_line_bytes = options.max_line_bytes
        self._splitter = Splitter(options.max_line_bytes, start=start)
        self._names = [options.prefix + name for name in (*NAMES, *[MODEL] * options.names_model)]
        self._keys = [to_json(name) for name in self._names]
        self._blank_from: int | None = None  # the first of the blank lines that were read last

    @property
    def ready(self) -> bool:
        """Whether the first bytes were seen."""
        return self._splitter.started

    @property
    def position(self) -> Position:
        """How far the file has been read."""
        return self._splitter.position

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """The records that are complete with this chunk."""
        return self._records(self._splitter.feed(chunk))

    def finish(self) -> Iterator[Record | None]:
        """The last line, if it has no end."""
        return self._records(self._splitter.finish())

    def head(self) -> bytes:
        """Nothing."""
        return b""

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """An object with the line's number and the prediction."""
        return f'{{"line":{record.line},{self.members(prediction)}}}\n'.encode()

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """An object with the line's number and the problem."""
        return f'{{"line":{record.line},"error":{to_json(problem)}}}\n'.encode()

    def tail(self, summary: dict[str, Any]) -> bytes:
        """An object with the summary."""
        return f'{{"summary":{to_json(summary)}}}\n'.encode()

    def members(self, prediction: Prediction) -> str:
        """The members that a prediction adds to an object."""
        label, probability, words, known_words, truncated, *model = self._keys
        members = (
            f"{label}:{to_json(prediction.label)},{probability}:{prediction.probability!r},{words}:{prediction.words},"
            f"{known_words}:{prediction.known_words},{truncated}:{'true' if prediction.truncated else 'false'}"
        )
        if model and prediction.model:
            members += f",{model[0]}:{to_json(prediction.model.fields())}"
        return members

    def read(self, data: bytes) -> str:
        """The text of a line.

        Raises:
            RequestError: it has none.
        """
        return decode(data.removesuffix(b"\n").removesuffix(b"\r"))

    def _records(self, lines: Iterator[Line | None]) -> Iterator[Record | None]:
        for line in lines:
            if not line:
                yield None
            elif not line.too_long and line.data.isspace():
                self._blank_from = self._blank_from or line.number
                yield None
            else:
                for number in range(self._blank_from or line.number, line.number):
                    yield Record(number, "", BlankTextError("The line is blank; there is nothing to judge."))
                self._blank_from = None
                yield self._record(line)

    def _record(self, line: Line) -> Record:
        try:
            if line.too_long:
                raise LineTooLongError(f"The line has more than {self._max_line_bytes:,} bytes.")
            text = self.read(line.data)
            check_text(text, self._max_text_chars)
        except RequestError as error:
            return Record(line.number, "", error, line.data, line.after)
        return Record(line.number, text, None, line.data, line.after)


def to_json(value: Any) -> str:
    """JSON as it is written everywhere here: without spaces, characters as themselves."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
