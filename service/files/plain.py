"""`text/plain`: one text a line, answered in NDJSON."""

import json
from collections.abc import Iterator
from typing import Any

from service.errors import BlankTextError, LineTooLongError, RequestError
from service.files.json_array import ArraySplitter
from service.files.record import MODEL, NAMES, UTF_8, Options, Position, Record, decode
from service.files.splitting import Line, Splitter
from service.inference.predictor import Prediction
from service.texts import check_text


class PlainFormat:
    """Lines of text.

    A blank line is an error in its place; blank lines at the end of the file are ignored.

    Args:
        options: `prefix` and the limits are used.
        start: where in the file reading begins.
        header: not used.
    """

    answer_media_type = "application/x-ndjson"

    def __init__(self, options: Options, start: Position | None = None, header: bytes = b"") -> None:
        self.options = options
        self.encoding = UTF_8
        self.header = header
        self._splitter: Splitter | ArraySplitter = Splitter(options.max_line_bytes, start=start)
        self._names = [options.prefix + name for name in (*NAMES, *[MODEL] * options.names_model)]
        self._keys = [to_json(name) for name in self._names]
        self._blank_from: int | None = None  # the first of the blank lines that were read last
        self._single_line = False

    @property
    def ready(self) -> bool:
        """True once the first bytes were read."""
        return self._splitter.started

    @property
    def position(self) -> Position:
        """The place up to which the file has been read."""
        return self._splitter.position

    @property
    def notes(self) -> list[str]:
        """A remark on a file of one line without an end."""
        return [note for note in (self.options.lost_line_ends,) if note and self._single_line]

    def feed(self, chunk: bytes) -> Iterator[Record | None]:
        """Read the records that are complete with this chunk."""
        return self._records(self._splitter.feed(chunk))

    def finish(self) -> Iterator[Record | None]:
        """Read the last line, if it has no end."""
        for record in self._records(self._splitter.finish()):
            self._single_line = record is not None and record.line == 1 and not record.raw.endswith(b"\n")
            yield record

    def head(self) -> bytes:
        """Return nothing: the answers have no header."""
        return b""

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """Return an object with the line's number and the prediction."""
        return f'{{"line":{record.line},{self.members(prediction)}}}\n'.encode()

    def failed(self, record: Record, problem: dict[str, Any]) -> bytes:
        """Return an object with the line's number and the problem."""
        return f'{{"line":{record.line},"error":{to_json(problem)}}}\n'.encode("utf-8", "backslashreplace")

    def tail(self, summary: dict[str, Any]) -> bytes:
        """Return an object with the summary."""
        return f'{{"summary":{to_json(summary)}}}\n'.encode()

    def encoded(self, answers: bytes) -> bytes:
        """Return the answers as they are: JSON is in UTF-8."""
        return answers

    def members(self, prediction: Prediction) -> str:
        """Return the members that a prediction adds to an object."""
        label, probability, words, known_words, truncated, *model = self._keys
        members = (
            f"{label}:{to_json(prediction.label)},{probability}:{prediction.probability!r},{words}:{prediction.words},"
            f"{known_words}:{prediction.known_words},{truncated}:{'true' if prediction.truncated else 'false'}"
        )
        if model and prediction.model:
            members += f",{model[0]}:{to_json(prediction.model.fields())}"
        return members

    def read(self, data: bytes) -> str:
        """Read the text of a line.

        Raises:
            RequestError: it has none.
        """
        return decode(data.removesuffix(b"\n").removesuffix(b"\r"), self.encoding)

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
                raise LineTooLongError(f"The line has more than {self.options.max_line_bytes:,} bytes.")
            text = self.read(line.data)
            check_text(text, self.options.max_text_chars)
        except RequestError as error:
            return Record(line.number, "", error, line.data, line.after)
        return Record(line.number, text, None, line.data, line.after)


def to_json(value: Any) -> str:
    """Write JSON as everywhere here: without blanks, characters as themselves."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
