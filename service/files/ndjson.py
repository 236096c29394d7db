"""`application/x-ndjson`: an object with a text, or a string, on each line; answered in the same."""

import json
from typing import Any, NoReturn

from service.errors import BrokenJsonError, InvalidRequestError, InvalidTextError
from service.files.plain import PlainFormat
from service.files.record import Record, decode
from service.inference.predictor import Prediction


def _no_number(name: str) -> NoReturn:
    raise BrokenJsonError(f"The line is not JSON: it has no {name}.")


def _passed_over(_: str) -> None:
    """For numbers: they come back as they were sent, and a huge one would cost the square of its digits to read."""


_read_json = json.JSONDecoder(parse_int=_passed_over, parse_float=_passed_over, parse_constant=_no_number).decode


class NdjsonFormat(PlainFormat):
    """Lines of JSON. An object comes back byte for byte, with the prediction as its last members."""

    def read(self, data: bytes) -> str:
        """The text of a line.

        Raises:
            BrokenJsonError, InvalidRequestError: it has none.
        """
        value = _parse(data)
        if isinstance(value, dict):
            if "text" not in value:
                raise InvalidRequestError("The object has no text.", "/text")
            taken = [name for name in self._names if name in value]
            if taken:
                raise InvalidRequestError(
                    f"The object has {taken[0]!r} already; give the added names another beginning with prefix.",
                    f"/{taken[0]}",
                )
            value = value["text"]
        if not isinstance(value, str):
            raise InvalidRequestError("The text is not a string.", "/text")
        return value

    def scored(self, record: Record, prediction: Prediction) -> bytes:
        """The object with the prediction's members at its end; for a string, a new one with the line's number."""
        raw = record.raw.rstrip()
        if raw.endswith(b"}"):
            return b"%b,%b}\n" % (raw[:-1], self.members(prediction).encode())
        return super().scored(record, prediction)


def _parse(data: bytes) -> Any:
    try:
        return _read_json(decode(data))
    except InvalidTextError as error:
        raise BrokenJsonError(f"The line is not JSON: {error}") from error
    except RecursionError as error:
        raise BrokenJsonError("The line is not JSON that can be read: it is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise BrokenJsonError(f"The line is not JSON: {error.msg} at character {error.pos + 1}.") from error
