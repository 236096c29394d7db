"""`multipart/form-data`, as `curl -F file=@reviews.csv` and HTML forms send files: the one file in it."""

import asyncio
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from service.errors import InvalidRequestError, StalledError

MEDIA_TYPE = "multipart/form-data"

_MAX_HEADER_BYTES = 8_000
_MAX_HEADERS = 20
_ADVICE = "Send one file, as curl -F file=@reviews.csv does; options go into the query: ?column=review"


@dataclass
class _Part:
    """The headers of a part of the form, as far as they are parsed."""

    name: bytes = b""
    value: bytes = b""
    content_type: str = ""
    file_name: str | None = None


class Upload:
    """The file of a form: `open` reads up to its content, `receive` returns the content as ASGI messages.

    Args:
        receive: receives the form.
        content_type: media type of the request, with the boundary.
        idle_seconds: time within which more of the form must arrive, up to the content of the file.

    Raises:
        InvalidRequestError: there is no boundary.
    """

    def __init__(self, receive: Receive, content_type: str, idle_seconds: float) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary or len(boundary) > 70:
            raise InvalidRequestError("The multipart form has no boundary of at most 70 characters in Content-Type.")
        self._receive = receive
        self._idle_seconds = idle_seconds
        self._part = _Part()
        self._files = 0
        self._in_file = False
        self._content: list[bytes] = []
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
            },
            max_header_count=_MAX_HEADERS,
            max_header_size=_MAX_HEADER_BYTES,
        )
        self._ended = False
        self._closed = False
        self.content_type = ""
        """Media type of the file, as the form says."""
        self.file_name = ""

    async def open(self) -> None:
        """Read the form up to the content of the file.

        Raises:
            InvalidRequestError: the body is not a form, or has no file.
            StalledError: no more of the form arrived for too long.
            ClientDisconnect: the client left.
        """
        while not self._files and not self._ended:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    message = await self._receive()
            except TimeoutError as error:
                raise StalledError(f"Nothing came for {self._idle_seconds:g} seconds.") from error
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self._parse(message)
        if not self._files:
            raise InvalidRequestError(f"The form has no file. {_ADVICE}")

    async def receive(self) -> Message:
        """Receive more of the content; takes the place of the request's own `receive`.

        Raises:
            InvalidRequestError: the form is damaged, or has another part beside the file.
        """
        if not self._content and not self._ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return message
            self._parse(message)
        elif self._closed:
            return await self._receive()
        content = b"".join(self._content)
        self._content.clear()
        self._closed = self._ended
        return {"type": "http.request", "body": content, "more_body": not self._ended}

    def _parse(self, message: Message) -> None:
        try:
            self._parser.write(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._ended:
                self._parser.finalize()
        except MultipartParseError as error:
            raise InvalidRequestError(f"The multipart form cannot be read: {error}. {_ADVICE}") from error

    def _on_part_begin(self) -> None:
        self._part = _Part()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.name += data[start:end].lower()

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _on_header_end(self) -> None:
        part = self._part
        if part.name == b"content-type":
            part.content_type = part.value.decode("latin-1")
        elif part.name == b"content-disposition":
            name = parse_options_header(part.value)[1].get(b"filename")
            part.file_name = None if name is None else name.decode("utf-8", "replace")
        part.name = part.value = b""

    def _on_headers_finished(self) -> None:
        if self._part.file_name is None:
            raise InvalidRequestError(f"The form has a field that is no file. {_ADVICE}")
        self._files += 1
        if self._files > 1:
            raise InvalidRequestError(f"The form has several files. {_ADVICE}")
        self.content_type, self.file_name = self._part.content_type, self._part.file_name
        self._in_file = True

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._content.append(data[start:end])

    def _on_part_end(self) -> None:
        self._in_file = False
